"""The checkpoint: the progress of a calculation on disk, from which an interrupted or killed run is resumed."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tax_client.errors import UserError, build_file_error, resolve_path
from tax_client.taxpayers.reader import Position
from tax_common.atomic_write import write_atomically

from .batches import Counts

SUFFIX, DRAFT_SUFFIX = ".checkpoint", ".new"  # added to the name of the results file, and of the checkpoint
REMEDY = "run it again without --resume"


@dataclass(frozen=True, slots=True)
class SavedPrefix:
    """The beginning of an output file that an interrupted run has saved.

    `size` in bytes, the SHA-256 of these bytes, and the size of the whole file if the run has published it.
    """

    size: int = 0
    digest: str = ""
    published: int | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The position of the next batch in the input, and the outputs and counts before it.

    `run` describes the input and the options; a run with others cannot resume from here.
    """

    run: dict[str, Any]
    position: Position = field(default_factory=Position)
    results: SavedPrefix = field(default_factory=SavedPrefix)
    errors: SavedPrefix = field(default_factory=SavedPrefix)
    counts: Counts = field(default_factory=Counts)

    def write(self, path: Path) -> None:
        """Replace the checkpoint file atomically. Raises UserError."""
        draft = path.with_name(path.name + DRAFT_SUFFIX)
        try:
            write_atomically(path, orjson.dumps(asdict(self)), durable=True, draft=draft)
        except OSError as error:
            raise build_file_error(
                "checkpoint", path, error, "give a place that can be written with --results"
            ) from None


def locate_checkpoint(results: Path) -> Path:
    """Return the path of the checkpoint of a results file."""
    resolved = resolve_path(results)
    return resolved.with_name(resolved.name + SUFFIX)


def read_checkpoint(path: Path, run: dict[str, Any]) -> Checkpoint | None:
    """Read the checkpoint of a run; return None when there is none. Raises UserError when it is another run's."""
    try:
        content = orjson.loads(path.read_bytes())
        before: dict[str, Any] = content["run"]
        results, errors = SavedPrefix(**content["results"]), SavedPrefix(**content["errors"])
        checkpoint = Checkpoint(before, Position(**content["position"]), results, errors, Counts(**content["counts"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise build_file_error("checkpoint", path, error, f"remove it and {REMEDY}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"--resume: [{path}]: expected a checkpoint of the client ({error}): {REMEDY}") from None
    if changed := [name for name in run if before.get(name) != run[name]]:
        changes = "; ".join(f"{name} was [{before.get(name)}], is [{run[name]}]" for name in changed)
        raise UserError(f"--resume: expected the same file and options as before, but {changes}: {REMEDY}")
    return checkpoint

"""The checkpoint file, which the client reads to resume an interrupted or killed calculation."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tax_client.taxpayers.reader import Position
from tax_client.user_errors import UserError, build_file_error, resolve_path
from tax_common.files import write_atomically

SUFFIX, DRAFT_SUFFIX = ".checkpoint", ".new"  # suffixes of a checkpoint and of its draft
REMEDY = "run the client again without --resume"
SAVE_INTERVAL = 1.0  # seconds between two checkpoints; a resumed run repeats the work after the last checkpoint


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of taxpayers with a result, of taxpayers without a result, and of bad lines."""

    calculated: int = 0
    failed: int = 0
    bad_lines: int = 0


@dataclass(frozen=True, slots=True)
class SavedPrefix:
    """The first bytes of an output file. A run saved these bytes to disk before its interruption.

    `digest` is the SHA-256 of the first `size` bytes. `published` is the size of the whole file if the run has
    published the file, and None otherwise.
    """

    size: int = 0
    digest: str = ""
    published: int | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The position of the next batch in the input, with the saved outputs and the counts of all earlier batches.

    `run` describes the input and the options. A run with another input or other options cannot use the checkpoint.
    """

    run: dict[str, Any]
    position: Position = field(default_factory=Position)
    results: SavedPrefix = field(default_factory=SavedPrefix)
    errors: SavedPrefix = field(default_factory=SavedPrefix)
    counts: Counts = field(default_factory=Counts)

    def write(self, path: Path) -> None:
        """Replace the checkpoint file atomically. Raises UserError if the file cannot be written."""
        draft = path.with_name(path.name + DRAFT_SUFFIX)
        try:
            write_atomically(path, orjson.dumps(asdict(self)), durable=True, draft=draft)
        except OSError as error:
            raise build_file_error("checkpoint", path, error, "use --results to name a writable file") from None


def locate_checkpoint(results: Path) -> Path:
    """Return the path of the checkpoint that belongs to a results file."""
    resolved = resolve_path(results)
    return resolved.with_name(resolved.name + SUFFIX)


def read_checkpoint(path: Path, run: dict[str, Any]) -> Checkpoint | None:
    """Read a checkpoint. Return None if the file does not exist.

    Raises UserError if the checkpoint is unreadable, or if its input or options differ from `run`.
    """
    try:
        content = orjson.loads(path.read_bytes())
        before: dict[str, Any] = content["run"]
        results, errors = SavedPrefix(**content["results"]), SavedPrefix(**content["errors"])
        checkpoint = Checkpoint(before, Position(**content["position"]), results, errors, Counts(**content["counts"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise build_file_error("checkpoint", path, error, f"remove the checkpoint and {REMEDY}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"--resume: [{path}]: expected a checkpoint of the client ({error}): {REMEDY}") from None
    if changed := [name for name in run if before.get(name) != run[name]]:
        changes = "; ".join(f"{name} was [{before.get(name)}] and is now [{run[name]}]" for name in changed)
        raise UserError(f"--resume: expected the same file and options as before, but {changes}: {REMEDY}")
    return checkpoint

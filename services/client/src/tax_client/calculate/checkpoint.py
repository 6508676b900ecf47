"""How far a calculation has come, on the disk, so that one that was interrupted or killed can go on."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tax_client.errors import UserError, unreadable
from tax_client.paths import resolved
from tax_client.taxpayers.reader import Position

from .atomic_output import Kept

SUFFIX = ".checkpoint"  # added to the name of the results file
AGAIN = "run it again without --resume"


@dataclass(frozen=True, slots=True)
class Counts:
    """Taxpayers calculated and not, and bad lines."""

    calculated: int = 0
    failed: int = 0
    bad_lines: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.calculated + other.calculated, self.failed + other.failed, self.bad_lines + other.bad_lines)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where the next group of lines begins, what there is of both outputs before it, and what was counted.

    `run` tells the input and the options: another run cannot go on from here.
    """

    run: dict[str, Any]
    position: Position = field(default_factory=Position)
    results: Kept = field(default_factory=Kept)
    errors: Kept = field(default_factory=Kept)
    counts: Counts = field(default_factory=Counts)

    def write(self, path: Path) -> None:
        """Put it on the disk, whole or not at all. Raises UserError."""
        draft = path.with_name(path.name + ".new")
        try:
            with draft.open("wb") as stream:
                stream.write(orjson.dumps(asdict(self)))
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(path)
        except OSError as error:
            raise unreadable("checkpoint", path, error, "give a place that can be written with --results") from None


def place_of(results: Path) -> Path:
    """The checkpoint of the run that writes a results file."""
    place = resolved(results)
    return place.with_name(place.name + SUFFIX)


def read_checkpoint(path: Path, run: dict[str, Any]) -> Checkpoint | None:
    """The checkpoint of a run; None when there is none. Raises UserError when it is another run's."""
    try:
        found = orjson.loads(path.read_bytes())
        before: dict[str, Any] = found["run"]
        results, errors = Kept(**found["results"]), Kept(**found["errors"])
        checkpoint = Checkpoint(before, Position(**found["position"]), results, errors, Counts(**found["counts"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable("checkpoint", path, error, f"remove it and {AGAIN}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"--resume: [{path}]: expected a checkpoint of the client ({error}): {AGAIN}") from None
    if changed := [name for name in run if before.get(name) != run[name]]:
        told = "; ".join(f"{name} was [{before.get(name)}], is [{run[name]}]" for name in changed)
        raise UserError(f"--resume: expected the same file and options as before, but {told}: {AGAIN}")
    return checkpoint

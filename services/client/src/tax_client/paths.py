"""The paths of a command line."""

import errno
from collections.abc import Iterable
from pathlib import Path

from .errors import UserError


def resolved(path: Path) -> Path:
    """Where a path leads, through its links. Raises UserError when they lead round in a circle."""
    try:
        path.stat()
    except OSError as error:  # what else is wrong with it shows when it is used
        if error.errno == errno.ELOOP:
            raise UserError(f"[{path}]: expected a file, its links lead round in a circle: give another name") from None
    return path.resolve()


def check_distinct(paths: Iterable[Path]) -> None:
    """Raises UserError when two of the paths are the same file: one would overwrite the other."""
    seen: set[Path] = set()
    for path in paths:
        place = resolved(path)
        if place in seen:
            raise UserError(f"[{path}] is given for two uses: expected different files for input, outputs and log")
        seen.add(place)

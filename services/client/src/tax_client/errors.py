"""Errors that a user can correct, the checks of paths that raise them, and the exit codes of the commands."""

import errno
from collections.abc import Iterable
from pathlib import Path

DONE, INCOMPLETE, UNUSABLE = 0, 1, 2
SIGNALLED = 128  # plus the number of the signal


class UserError(Exception):
    """Stops a command with exit code 2; its text names the expected input and the next step."""


class Interrupted(Exception):
    """A signal came while a command waited for its input."""


def build_file_error(kind: str, path: object, error: OSError, remedy: str) -> UserError:
    """Build the error of a file that cannot be opened, read or written; `kind` names its role."""
    return UserError(f"{kind} [{path}]: {error.strerror or error}: {remedy}")


def resolve_path(path: Path) -> Path:
    """Follow the links of a path. Raises UserError at a symbolic link loop."""
    try:
        path.stat()
    except OSError as error:  # any other error shows at the first use of the file
        if error.errno == errno.ELOOP:
            raise UserError(f"[{path}]: expected a file, found a symbolic link loop: give another name") from None
    return path.resolve()


def check_distinct_paths(paths: Iterable[Path]) -> None:
    """Raise UserError when two of the paths lead to the same file: one use would overwrite the other."""
    seen: set[Path] = set()
    for path in paths:
        resolved = resolve_path(path)
        if resolved in seen:
            raise UserError(f"[{path}] is given for two uses: expected different files for input, outputs and log")
        seen.add(resolved)

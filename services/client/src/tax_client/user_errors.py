"""Errors that a user can correct, checks of paths, and the exit codes of the commands."""

import errno
from collections.abc import Iterable
from pathlib import Path

DONE, INCOMPLETE, UNUSABLE = 0, 1, 2


class UserError(Exception):
    """An error that ends a command with exit code 2. Its message names the expected input and the next step."""


def build_file_error(kind: str, path: object, error: OSError, remedy: str) -> UserError:
    """Build the error for a file that cannot be opened, read or written. `kind` names the role of the file."""
    return UserError(f"{kind} [{path}]: {error.strerror or error}: {remedy}")


def resolve_path(path: Path) -> Path:
    """Resolve the symbolic links of a path. Raises UserError if the links form a loop."""
    try:
        path.stat()
    except OSError as error:  # ignore other errors, because the first use of the file raises them again
        if error.errno == errno.ELOOP:
            raise UserError(f"[{path}]: expected a file, found a symbolic link loop: name another file") from None
    return path.resolve()


def check_distinct_paths(paths: Iterable[Path]) -> None:
    """Check that all paths lead to different files. Raises UserError if two paths lead to the same file."""
    seen: set[Path] = set()
    for path in paths:
        resolved = resolve_path(path)
        if resolved in seen:
            raise UserError(f"[{path}] is given for two uses: name different files for input, outputs and log")
        seen.add(resolved)

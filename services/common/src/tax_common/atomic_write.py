"""Atomic replacement of a file: a reader sees the old content or the new one, never a part."""

import os
import tempfile
from pathlib import Path


def write_atomically(
    path: Path, content: str | bytes, *, mode: int = 0o600, durable: bool = False, draft: Path | None = None
) -> None:
    """Replace the content of a file, text as UTF-8; a `durable` one survives a crash of the machine (one fsync).

    A single writer may name the temporary file, `draft`, so that its next write replaces the one that a kill left.
    Raises OSError when that fails; the file is then unchanged, and no temporary file is left.
    """
    if draft:
        handle, temporary = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), draft
    else:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            os.fchmod(file.fileno(), mode)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

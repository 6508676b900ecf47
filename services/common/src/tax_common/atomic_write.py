"""Atomic replacement of a file. A reader sees either the old content or the new content, never a part."""

import os
import tempfile
from pathlib import Path


def write_atomically(
    path: Path, content: str | bytes, *, mode: int = 0o600, durable: bool = False, draft: Path | None = None
) -> None:
    """Replace the content of a file. Text is written as UTF-8. A `durable` write survives a machine crash (one fsync).

    A single writer may set `draft`, the path of the temporary file. The next write then replaces a draft that a killed
    process left. Raises OSError if the write fails. The file is then unchanged, and the temporary file is removed.
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

"""Files that are replaced as a whole: a reader sees the old content or the new one, never a part."""

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, text: str, *, mode: int = 0o600, durable: bool = False) -> None:
    """Write the text (as UTF-8) in place of what the file has; a `durable` one outlives a crash of the machine.

    Raises OSError when that cannot be done; the file is as before then, and nothing is left beside it.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

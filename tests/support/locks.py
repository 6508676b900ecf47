"""Check whether a file or folder is locked."""

import fcntl
import os
from pathlib import Path


def is_locked(path: Path) -> bool:
    """Return whether a file or folder has a lock of flock(2). A lock that this process holds counts too."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

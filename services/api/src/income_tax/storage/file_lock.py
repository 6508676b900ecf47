"""A file that at most one process has at a time: what is done meanwhile, no other does."""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK = 0.05  # seconds between two attempts


@contextmanager
def locked(path: Path, patience: float, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """While open, this process has the file; the kernel takes it from one that dies.

    Raises TimeoutError when others have it for longer than `patience` seconds, OSError when it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        deadline = time.monotonic() + patience
        while not taken(descriptor):
            if time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, f"another process has had it for {patience:g} s", str(path))
            pause(LOOK)
        yield
    finally:
        os.close(descriptor)


def taken(descriptor: int) -> bool:
    """Take the file, if it is free; whether it was."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

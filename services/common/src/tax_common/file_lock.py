"""Advisory locks on files and folders: flock(2), which the kernel releases when their holder dies."""

import errno
import fcntl
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_INTERVAL = 0.05  # seconds between two attempts


def try_lock(descriptor: int) -> bool:
    """Lock an open file unless another process holds it; return whether this one does. Closing it releases the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def hold_lock(path: Path, timeout: float | None, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold the lock of a file, created where it is missing, or of a folder; wait `timeout` seconds or without end.

    Raises TimeoutError when another process holds it for longer, OSError when the file cannot be opened.
    """
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o660)
    try:
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while not try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, f"locked by another process for {timeout:g} s", str(path))
            pause(POLL_INTERVAL)
        yield
    finally:
        os.close(descriptor)

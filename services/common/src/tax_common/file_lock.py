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


def open_lock_file(path: Path) -> int:
    """Open a folder, or a file that is created where it is missing; return its descriptor. Raises OSError."""
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    return os.open(path, flags | os.O_CLOEXEC, 0o660)


@contextmanager
def hold_lock(path: Path, timeout: float | None = None, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold the lock of a file, created where it is missing, or of a folder; wait `timeout` seconds or without end.

    Raises TimeoutError when another process holds it for longer, OSError when the file cannot be opened.
    """
    descriptor = open_lock_file(path)
    try:
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while not try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, f"locked by another process for {timeout:g} s", str(path))
            pause(POLL_INTERVAL)
        yield
    finally:
        os.close(descriptor)


class ProcessLock:
    """A lock that at most one process of a host holds; it never waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._owner = 0  # the process that opened the file

    def try_acquire(self) -> bool:
        """Take the lock if it is free; return whether this process holds it. Raises OSError."""
        if self._owner != os.getpid():
            self.release()  # a descriptor inherited by a fork: the parent holds the lock
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor, self._owner = open_lock_file(self._path), os.getpid()
            is_held = False
            try:
                is_held = try_lock(self._descriptor)
            finally:
                if not is_held:
                    self.release()
        return self._descriptor is not None

    def release(self) -> None:
        """Let another process take the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

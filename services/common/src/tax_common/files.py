"""Atomic replacement of files, and advisory locks on files. Several processes can share these files."""

import contextlib
import errno
import fcntl
import math
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_INTERVAL = 0.05  # seconds between two attempts to acquire a lock


def write_atomically(
    path: Path, content: str | bytes, *, mode: int = 0o600, durable: bool = False, draft: Path | None = None
) -> None:
    """Replace the content of a file. Text is written as UTF-8. A `durable` write survives a crash of the machine.

    If only one process writes the file, `draft` can set the path of the temporary file. The next write then overwrites
    a temporary file that a killed process left behind. Raises OSError if the write fails. The file is then unchanged,
    and the temporary file is removed.
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
        if durable:
            sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Write the entries of a folder to the disk, so that a replacement of a file survives a crash of the machine."""
    with contextlib.suppress(OSError):  # the file is already replaced, and some file systems cannot sync a folder
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Try to lock an open file. Return whether this process now holds the lock. Closing the file releases the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock_file(path: Path) -> int:
    """Open a folder or a file, and return the descriptor. A missing file is created. Raises OSError if this fails."""
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    return os.open(path, flags | os.O_CLOEXEC, 0o660)


@contextmanager
def hold_lock(path: Path, timeout: float | None = None, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold the lock on a file or a folder. A missing file is created. Wait up to `timeout` seconds.

    Raises TimeoutError if another process holds the lock until the timeout, and OSError if the file cannot be opened.
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


def build_process_name() -> str:
    """Return the name of this process, which is `host-pid`. The name is unique among the containers of a host."""
    return f"{socket.gethostname()}-{os.getpid()}"


class ProcessLock:
    """A lock that at most one process of a host holds. Its methods never wait.

    The lock file contains the name of the holder. If the holder stands still, another process can take the lock away.
    A process that later continues then loses the lock at its next call of `try_acquire`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._owner = 0  # the ID of the process that opened the file

    def try_acquire(self) -> bool:
        """Acquire the lock if it is free. Return whether this process now holds the lock.

        Raises OSError if the lock file cannot be opened.
        """
        if self._owner != os.getpid() or not self._is_current():
            self.release()  # close a descriptor inherited at a fork; the parent still holds the lock
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor, self._owner = open_lock_file(self._path), os.getpid()
            is_held = False
            try:
                is_held = try_lock(self._descriptor) and self._is_current()
                if is_held:
                    self._write_name(self._descriptor)
            finally:
                if not is_held:
                    self.release()
        return self._descriptor is not None

    @property
    def is_held(self) -> bool:
        """True if this process holds the lock, as far as it has noticed."""
        return self._descriptor is not None and self._owner == os.getpid()

    def take_away(self, name: str) -> None:
        """Take the lock away from the process with this name, if it holds the lock. Any process can then acquire it."""
        with contextlib.suppress(OSError):
            if self._path.read_text(encoding="utf-8") == name:
                self._path.unlink()

    def _is_current(self) -> bool:
        """Return whether the open file is still the lock file, or no file is open."""
        if self._descriptor is None:
            return True
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        return False

    @staticmethod
    def _write_name(descriptor: int) -> None:
        with contextlib.suppress(OSError):  # a full disk must not prevent the lock
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, build_process_name().encode(), 0)

    def release(self) -> None:
        """Release the lock if this process holds it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

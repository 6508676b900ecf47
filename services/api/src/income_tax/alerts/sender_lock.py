"""Which process of a host sends."""

import fcntl
import os
from pathlib import Path


class Leadership:
    """At most one process of a host holds it; the kernel takes it from one that dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        self._owner = 0  # the process that took it

    def held(self) -> bool:
        """Take it if it is free; whether this process has it. Raises OSError when the file cannot be opened."""
        if self._owner != os.getpid():
            self.leave()  # a descriptor inherited by a fork: it is the parent that leads
        if self._fd is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
            except BaseException:
                os.close(fd)
                raise
            else:
                self._fd, self._owner = fd, os.getpid()
        return self._fd is not None

    def leave(self) -> None:
        """Leave it to another process."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

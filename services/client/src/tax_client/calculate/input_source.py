"""The input of a calculation: a plain file, or a stream such as standard input."""

import hashlib
import io
import os
import select
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tax_client.errors import UserError, unreadable

from .ordered_pool import Interrupted

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = Path("-")
PIECE = 2**20  # bytes
HEAD = 2**16  # bytes that tell whether a file is still the same
REMEDY = "give a readable file of id,married,children,salary"


@dataclass(frozen=True, slots=True)
class Source:
    """The open input. `size`, in bytes, is None for a stream: it has no end yet, and cannot be read a second time."""

    path: Path
    file: IO[bytes]
    size: int | None

    @property
    def form(self) -> str:
        """How its lines are read, by its name where it has one."""
        if self.path == STDIN:
            return "either"
        return "jsonl" if self.path.suffix.lower() == ".jsonl" else "lines"

    def has_more_lines_than(self, number: int) -> bool:
        """Whether a plain file has more lines; it is then at its beginning again."""
        count = 0
        while count <= number and (piece := self.file.read(PIECE)):
            count += piece.count(b"\n")
        self.file.seek(0)
        return count > number

    def identity(self) -> dict[str, Any]:
        """What a plain file is known by when a calculation goes on with it."""
        facts, head = os.fstat(self.file.fileno()), self.file.read(HEAD)
        self.file.seek(0)
        path, digest = str(self.path.resolve()), hashlib.sha256(head).hexdigest()
        return {"input": path, "size": facts.st_size, "modified": facts.st_mtime_ns, "first bytes": digest}


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open the input. Raises UserError."""
    try:
        number = os.dup(0) if path == STDIN else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        facts = os.fstat(number)
        if stat.S_ISDIR(facts.st_mode):
            os.close(number)
            raise UserError(f"taxpayers file [{path}]: expected a file: {REMEDY}")
        plain = path != STDIN and stat.S_ISREG(facts.st_mode)
        raw = Plain(path, number) if plain else Stream(path, number)
    except OSError as error:
        raise unreadable("taxpayers file", path, error, REMEDY) from None
    with io.BufferedReader(raw, PIECE) as file:
        yield Source(path, file, facts.st_size if plain else None)


class Plain(io.FileIO):
    """A plain file; reading it raises UserError when the disk fails."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(number)
        self._path = path

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read bytes; None when there are none now."""
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise unreadable("taxpayers file", self._path, error, REMEDY) from None


class Stream(io.RawIOBase):
    """A stream whose reading a signal ends with Interrupted: else the wait for its next bytes would outlast it.

    Reading it raises UserError when that fails.
    """

    def __init__(self, path: Path, number: int) -> None:
        self._path, self._number = path, number
        self._alarm, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._open = [number, self._alarm, wake]
        self._main = threading.current_thread() is threading.main_thread()  # where alone signals come
        self._before = signal.set_wakeup_fd(wake) if self._main else -1

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Wait for bytes or a signal, and read the bytes."""
        ready, _, _ = select.select([self._number, self._alarm], [], [])
        if self._alarm in ready:
            raise Interrupted
        try:
            return os.readv(self._number, [buffer])
        except OSError as error:
            raise unreadable("taxpayers file", self._path, error, REMEDY) from None

    def close(self) -> None:
        """Close it, and leave signals to whoever had them before."""
        if not self.closed and self._main:
            signal.set_wakeup_fd(self._before)
        while self._open:
            os.close(self._open.pop())
        super().close()

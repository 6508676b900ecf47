"""The input of a calculation, which is a regular file or a stream such as standard input."""

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

from tax_client.interruption import Interrupted
from tax_client.user_errors import UserError, build_file_error

from .reader import REMEDY

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = Path("-")
PIECE = 2**20  # bytes per read
HEAD = 2**16  # the fingerprint covers this number of bytes at the beginning of the file


@dataclass(frozen=True, slots=True)
class InputSource:
    """The open input. `size` is its size in bytes, or None for a stream. A stream cannot be read twice."""

    path: Path
    file: IO[bytes]
    size: int | None

    @property
    def form(self) -> str:
        """The line format, which is "jsonl" for a .jsonl or .ndjson file. Otherwise it is "lines"."""
        return "jsonl" if self.path.suffix.lower() in (".jsonl", ".ndjson") else "lines"

    def has_more_lines_than(self, number: int) -> bool:
        """Return True if a regular file has more than `number` lines. Rewind the file after the count."""
        count = 0
        while count <= number and (piece := self._read(PIECE)):
            count += piece.count(b"\n")
        self.file.seek(0)
        return count > number

    def compute_fingerprint(self) -> dict[str, Any]:
        """Return data that identify the input file, so that a resumed run can recognize the file. Rewind the file."""
        facts, head = os.fstat(self.file.fileno()), self._read(HEAD)
        self.file.seek(0)
        path, digest = str(self.path.resolve()), hashlib.sha256(head).hexdigest()
        return {"input": path, "size": facts.st_size, "modified": facts.st_mtime_ns, "first bytes": digest}

    def _read(self, size: int) -> bytes:
        """Read up to `size` bytes. Raises UserError if reading fails."""
        try:
            return self.file.read(size)
        except OSError as error:
            raise build_file_error("taxpayers file", self.path, error, REMEDY) from None


@contextmanager
def open_input(path: Path) -> Iterator[InputSource]:
    """Open the input file, or standard input if `path` is STDIN. Raises UserError if the input is not readable."""
    try:
        descriptor = os.dup(0) if path == STDIN else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        facts = os.fstat(descriptor)
    except OSError as error:
        raise build_file_error("taxpayers file", path, error, REMEDY) from None
    if stat.S_ISDIR(facts.st_mode):
        os.close(descriptor)
        raise UserError(f"taxpayers file [{path}]: expected a file, found a directory: {REMEDY}")
    is_plain = path != STDIN and stat.S_ISREG(facts.st_mode)
    with (
        open(path, "rb", PIECE, opener=lambda _path, _flags: descriptor)
        if is_plain
        else io.BufferedReader(StreamInput(path, descriptor), PIECE)
    ) as file:
        yield InputSource(path, file, facts.st_size if is_plain else None)


class StreamInput(io.RawIOBase):
    """An input stream. A read raises Interrupted as soon as a signal arrives, even while the read waits for bytes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.name, self._descriptor = str(path), descriptor
        self._alarm, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._open = [descriptor, self._alarm, wake]
        # Set the wake-up descriptor only in the main thread, because Python forbids it in other threads.
        self._is_main = threading.current_thread() is threading.main_thread()
        self._previous = signal.set_wakeup_fd(wake) if self._is_main else -1

    def readable(self) -> bool:
        """Return True, because BufferedReader accepts only a readable stream. The base class returns False."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Wait for bytes and read them into `buffer`. Raises Interrupted if a signal arrives."""
        ready, _, _ = select.select([self._descriptor, self._alarm], [], [])
        if self._alarm in ready:
            raise Interrupted
        return os.readv(self._descriptor, [buffer])

    def close(self) -> None:
        """Close the stream, and restore the wake-up descriptor that signals used before."""
        if not self.closed and self._is_main:
            signal.set_wakeup_fd(self._previous)
        while self._open:
            os.close(self._open.pop())
        super().close()

"""The files that a calculation writes: grown beside their places, and put there when they are whole."""

import fcntl
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tax_client.errors import UserError, unreadable
from tax_client.paths import resolved

from .batches import Problem

REMEDY = "give a place that can be written with --results and --errors"
LOST = (
    "expected what the interrupted run has written, it is gone, or changed by another run: "
    "run it again without --resume, and give each run files of its own"
)
DRAFT = ".part"  # added to the name while the file grows
PIECE = 2**20  # bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What an interrupted run has left of a file.

    Bytes to go on after, their SHA-256, and the number of all bytes if it was put in its place.
    """

    size: int = 0
    digest: str = ""
    published: int | None = None


class OutputFile:
    """A file written beside its place, then renamed onto it.

    Raises UserError when the place cannot be written: at once, before there is anything to write. Without `kept` it
    begins anew; with it, what lies there must be what was kept, else UserError, before anything is changed.
    """

    def __init__(self, path: Path, kept: Kept | None = None) -> None:
        self.path = path
        self.keep = kept is not None  # the draft, when the run ends without publishing
        self._place = resolved(path)  # through links: the rename replaces the file, not a link to it
        if path.exists() and not path.is_file():
            raise UserError(f"output file [{path}]: expected a plain file: {REMEDY}")
        self._draft, self._kept = draft_of(path), kept
        self._written = self._found(kept) if kept else hashlib.sha256()

    def _found(self, kept: Kept) -> "hashlib._Hash":
        """The digest so far of what an interrupted run has left, in the draft or in its place. Raises UserError."""
        written, left = hashlib.sha256(), kept.size
        try:
            drafted = self._draft.exists()
            with (self._draft if drafted else self._place).open("rb") as file:
                whole = drafted or os.fstat(file.fileno()).st_size == kept.published
                while left and (piece := file.read(min(left, PIECE))):
                    written.update(piece)
                    left -= len(piece)
        except FileNotFoundError:
            raise UserError(f"output file [{self.path}]: {LOST}") from None
        except OSError as error:
            raise unreadable("output file", self.path, error, REMEDY) from None
        if not whole or written.hexdigest() != kept.digest:
            raise UserError(f"output file [{self.path}]: {LOST}")
        return written

    def _opened(self) -> IO[bytes]:
        stream = os.fdopen(os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "wb")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.path.samestat(os.fstat(stream.fileno()), self._draft.stat())
        except (BlockingIOError, FileNotFoundError):
            ours = False  # another run holds it, or has just put it in its place
        if not ours:
            stream.close()
            wanted = "expected no other run that writes it: wait for its end, or give another name"
            raise UserError(f"output file [{self.path}]: {wanted}")
        return stream

    def write(self, content: bytes) -> None:
        """Append. Raises UserError."""
        try:
            self._stream.write(content)
            self._written.update(content)
        except OSError as error:
            raise unreadable("output file", self.path, error, REMEDY) from None

    def saved(self) -> Kept:
        """What there is so far, all of it on the disk. Raises UserError."""
        try:
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise unreadable("output file", self.path, error, REMEDY) from None
        return Kept(self._stream.tell(), self._written.hexdigest())

    def publish(self) -> None:
        """Put the file in its place. Raises UserError; what was there is then untouched."""
        self.saved()
        try:
            self._draft.replace(self._place)
        except OSError as error:
            raise unreadable("output file", self.path, error, REMEDY) from None

    def __enter__(self) -> Self:
        """Open it, for this run alone. Raises UserError."""
        size = self._kept.size if self._kept else 0
        try:
            if self._kept and not self._draft.exists():
                self._place.replace(self._draft)  # where an interruption in good order has put it
            self._stream = self._opened()
            self._stream.truncate(size)
            self._stream.seek(size)
        except OSError as error:
            raise unreadable("output file", self.path, error, REMEDY) from None
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _t: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a full disk refuses what was left to write: publish() has said so
            self._stream.close()
        if not self.keep:
            remove("output file", self._draft)


def draft_of(path: Path) -> Path:
    """Where a file grows."""
    place = resolved(path)
    return place.with_name(place.name + DRAFT)


def remove(what: str, path: Path) -> None:
    """Remove a file of ours that is not needed any more, if it is there. Raises UserError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unreadable(what, path, error, "remove it, or give another place with --results and --errors") from None


def error_line(problem: Problem) -> bytes:
    """A line of the errors file: ASCII alone, so that nothing in a text can be taken for the end of a line."""
    return json.dumps(asdict(problem)).encode() + b"\n"

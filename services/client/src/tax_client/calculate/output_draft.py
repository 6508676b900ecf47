"""An output file, written as a draft next to its path and moved there when it is complete."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tax_client.user_errors import UserError, build_file_error, resolve_path
from tax_common.files import try_lock

from .checkpoint import SavedPrefix

REMEDY = "name writable files with --results and --errors"
LOST = (
    "expected the output of the interrupted run, it is missing, or changed by another run: "
    "run it again without --resume, and give each run files of its own"
)
BUSY = "expected no other run that writes it: wait for its end, or give another name"
DRAFT_SUFFIX = ".part"  # appended to the name of the file
PIECE = 2**20  # bytes


class OutputFile:
    """Writes a file as a draft next to its path. `publish` moves the complete draft to the path.

    Raises UserError if the path cannot be written, before any result exists. With `saved`, continues the draft of an
    interrupted run. Raises UserError if the draft does not begin with the saved prefix, before any file is changed.
    """

    def __init__(self, path: Path, saved: SavedPrefix | None = None) -> None:
        self.path = path
        self.keep_draft = saved is not None  # if the run ends without publishing
        self._place = resolve_path(path)  # the rename replaces the target of a link, not the link
        if path.exists() and not path.is_file():
            raise UserError(f"output file [{path}]: expected a regular file: {REMEDY}")
        self._draft, self._saved = locate_draft(path), saved
        self._digest = self._hash_prefix(saved) if saved else hashlib.sha256()

    def _hash_prefix(self, saved: SavedPrefix) -> "hashlib._Hash":
        """Compute the digest of the saved prefix in the draft or the published file. Raises UserError if it differs."""
        digest, left = hashlib.sha256(), saved.size
        lost = UserError(f"output file [{self.path}]: {LOST}")
        with self._convert_errors():
            is_draft = self._draft.exists()
            try:
                file = (self._draft if is_draft else self._place).open("rb")
            except FileNotFoundError:
                raise lost from None
            with file:
                is_ours = is_draft or os.fstat(file.fileno()).st_size == saved.published
                while left and (piece := file.read(min(left, PIECE))):
                    digest.update(piece)
                    left -= len(piece)
        if not is_ours or digest.hexdigest() != saved.digest:
            raise lost
        return digest

    def __enter__(self) -> Self:
        """Open the draft exclusively for this run. Raises UserError if it cannot be opened."""
        size = self._saved.size if self._saved else 0
        with self._convert_errors():
            if self._saved and not self._draft.exists():
                self._place.replace(self._draft)  # the interrupted run has published the draft
            self._stream = self._open_draft()
            self._stream.truncate(size)
            self._stream.seek(size)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _t: TracebackType | None
    ) -> None:
        with suppress(OSError):  # writing the buffered rest fails on a full disk, as publish() has reported
            self._stream.close()
        if not self.keep_draft:
            remove_file("output file", self._draft)

    def _open_draft(self) -> IO[bytes]:
        """Open and lock the draft. Raises UserError if another run has locked the draft, or has just published it."""
        stream = os.fdopen(os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "wb")
        try:
            is_ours = try_lock(stream.fileno()) and os.path.samestat(os.fstat(stream.fileno()), self._draft.stat())
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            stream.close()
            raise UserError(f"output file [{self.path}]: {BUSY}")
        return stream

    def write(self, content: bytes) -> None:
        """Append to the draft. Raises UserError if writing fails."""
        with self._convert_errors():
            self._stream.write(content)
            self._digest.update(content)

    def save(self) -> SavedPrefix:
        """Flush the draft to disk (fsync), and return a prefix to resume from. Raises UserError if that fails."""
        with self._convert_errors():
            self._stream.flush()
            os.fsync(self._stream.fileno())
        return SavedPrefix(self._stream.tell(), self._digest.hexdigest())

    def publish(self) -> None:
        """Replace the file at the path with the draft. Raises UserError if that fails; the previous file then stays."""
        self.save()
        with self._convert_errors():
            self._draft.replace(self._place)

    @contextmanager
    def _convert_errors(self) -> Iterator[None]:
        """Convert an OSError to a UserError that names this file."""
        try:
            yield
        except OSError as error:
            raise build_file_error("output file", self.path, error, REMEDY) from None


def locate_draft(path: Path) -> Path:
    """Return the path of the draft of an output file."""
    resolved = resolve_path(path)
    return resolved.with_name(resolved.name + DRAFT_SUFFIX)


def remove_file(kind: str, path: Path) -> None:
    """Remove a draft or checkpoint if it exists. Raises UserError if removal fails."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        remedy = "remove it, or give another place with --results and --errors"
        raise build_file_error(kind, path, error, remedy) from None

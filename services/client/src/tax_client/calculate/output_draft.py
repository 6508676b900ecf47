"""Output files. The client writes a draft next to the output file, and renames the draft when it is complete."""

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

REMEDY = "use --results and --errors to name writable files"
LOST = (
    "expected the output of the interrupted run, but the file is missing or was changed by another run: "
    "run the client again without --resume, and name different files for each run"
)
BUSY = "another run is writing this file: wait until that run ends, or name another file"
DRAFT_SUFFIX = ".part"  # appended to the name of the output file
PIECE = 2**20  # bytes


class OutputFile:
    """Writes a draft in the directory of an output file. `publish` renames the complete draft to the output file.

    If `saved` is given, the object continues the draft of an interrupted run. The constructor changes no file. It
    raises UserError if the path is not a regular file, or if the draft does not begin with the saved prefix.
    """

    def __init__(self, path: Path, saved: SavedPrefix | None = None) -> None:
        self.path = path
        self.keep_draft = saved is not None  # whether the draft stays if the run ends before publishing
        self._place = resolve_path(path)  # publishing replaces the target of a link, not the link itself
        if path.exists() and not path.is_file():
            raise UserError(f"output file [{path}]: expected a regular file: {REMEDY}")
        self._draft, self._saved = locate_draft(path), saved
        self._digest = self._hash_prefix(saved) if saved else hashlib.sha256()

    def _hash_prefix(self, saved: SavedPrefix) -> "hashlib._Hash":
        """Compute the digest of the saved prefix in the draft, or in the published file if no draft exists.

        Raises UserError if the file is missing or was changed.
        """
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
        """Open and lock the draft, so that no other run writes to it. Raises UserError if this fails."""
        size = self._saved.size if self._saved else 0
        with self._convert_errors():
            if self._saved and not self._draft.exists():
                self._place.replace(self._draft)  # the published file becomes the draft again
            self._stream = self._open_draft()
            self._stream.truncate(size)
            self._stream.seek(size)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _t: TracebackType | None
    ) -> None:
        with suppress(OSError):  # closing can fail on a full disk; publish() has already raised this error
            self._stream.close()
        if not self.keep_draft:
            remove_file("output file", self._draft)

    def _open_draft(self) -> IO[bytes]:
        """Open and lock the draft. Raises UserError if another run has locked the draft or has just published it."""
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
        """Append `content` to the draft. Raises UserError if writing fails."""
        with self._convert_errors():
            self._stream.write(content)
            self._digest.update(content)

    def save(self) -> SavedPrefix:
        """Flush the draft to disk (fsync), and return its size and digest. Raises UserError if flushing fails."""
        with self._convert_errors():
            self._stream.flush()
            os.fsync(self._stream.fileno())
        return SavedPrefix(self._stream.tell(), self._digest.hexdigest())

    def publish(self) -> None:
        """Replace the output file with the draft. If replacing fails, keep the previous file and raise UserError."""
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
        remedy = f"remove the {kind}, or use --results and --errors to name other files"
        raise build_file_error(kind, path, error, remedy) from None

"""A file whose parsed content is reloaded when the file changes."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

# Inode, size, and the times of the last modification and of the last status change in nanoseconds. An edit, an atomic
# replacement or a change of the permissions changes at least one of the four.
Fingerprint = tuple[int, int, int, int]


def read_fingerprint(path: Path) -> Fingerprint:
    """Return the fingerprint of a file. Raises OSError if the file cannot be accessed."""
    status = os.stat(path)  # noqa: PTH116 - each request calls os.stat, which takes half the time of Path.stat
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class ReloadingFile(Generic[T]):
    """The last valid content of a file. Several threads can use the object simultaneously.

    `read` parses the file and raises OSError or ValueError if the file is invalid. `on_error` receives the reason once
    for each invalid version of the file. After each successful reload, `on_load` receives the content. It also receives
    True if the file was invalid before, or else False.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], T],
        on_error: Callable[[str], object],
        on_load: Callable[[T, bool], object] = lambda *_: None,
        *,
        initial: T | None = None,
        interval: float = 0.0,
        is_required: bool = True,
    ) -> None:
        """Use `initial` as the first content. If `initial` is None, read the file.

        Two checks of the file for changes are at least `interval` seconds apart. A missing file is an error only if
        `is_required` is set. Raises the errors of `read`.
        """
        self._path, self._read = path, read
        self._on_error, self._on_load = on_error, on_load
        self._interval, self._next_look = interval, 0.0
        self._is_required = is_required
        self._error: tuple[Fingerprint | None, str] | None = None  # set if the file was invalid at the last check
        self._lock = threading.Lock()
        self._fingerprint = None if initial is not None else read_fingerprint(path)
        self._content = read(path) if initial is None else initial

    def get(self) -> T:
        """Return the content. If the file has changed, reload it first. The check costs at most one os.stat call."""
        if self._interval:
            now = time.monotonic()
            if now < self._next_look:
                return self._content
            self._next_look = now + self._interval
        try:
            fingerprint = read_fingerprint(self._path)
        except OSError as error:
            if self._is_required:
                with self._lock:
                    self._report_error(None, error)
            return self._content
        if fingerprint != self._fingerprint or (self._error and self._error[0] != fingerprint):
            with self._lock:
                self._reload(fingerprint)
        return self._content

    @property
    def error(self) -> str | None:
        """The reason why the file was invalid at the last check, or None if it was valid."""
        return self._error[1] if self._error else None

    def _reload(self, fingerprint: Fingerprint) -> None:
        is_new = fingerprint != self._fingerprint
        if not is_new and self._error and self._error[0] == fingerprint:
            return  # another thread has already reported this invalid file
        if is_new and not self._load(fingerprint):
            return
        has_recovered, self._error = self._error is not None, None
        if is_new or has_recovered:
            self._on_load(self._content, has_recovered)

    def _load(self, fingerprint: Fingerprint) -> bool:
        """Read the file. Return whether the file is valid."""
        try:
            self._content = self._read(self._path)
        except OSError as error:  # keep the fingerprint, so that the next check retries
            self._report_error(fingerprint, error)
            return False
        except ValueError as error:
            self._fingerprint = fingerprint
            self._report_error(fingerprint, error)
            return False
        self._fingerprint = fingerprint
        return True

    def _report_error(self, fingerprint: Fingerprint | None, error: Exception) -> None:
        former, self._error = self._error, (fingerprint, str(error))
        if former != self._error:
            self._on_error(str(error))

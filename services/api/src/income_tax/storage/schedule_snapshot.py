"""The last good schedules, in a file that all processes of a host share, and renew in turn.

It is what answers are made from: replaced as a whole, so every worker of every replica changes over at the same moment,
and nobody needs the database between two changes.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from income_tax.tax.brackets import ScheduleError
from income_tax.tax.schedule_data import Data, Schedules, parse
from tax_common.atomic_write import write_atomically
from tax_common.file_lock import hold_lock

TURN = 15.0  # seconds; a process whose database is silent gives up, and lets the next one read, before


class LastGood:
    """The file; who renews it has its lock meanwhile, for which others wait for `patience` seconds."""

    def __init__(self, path: Path, patience: float = TURN, pause: Callable[[float], None] = time.sleep) -> None:
        self.path = path
        self.lock = path.with_name(path.name + ".lock")
        self._patience, self._pause = patience, pause

    def renew(self, read: Callable[[], Data]) -> tuple[Data, OSError | None]:
        """What `read` gives, which the file then holds; or why it does not. What `read` raises is raised.

        One process at a time reads and saves: else one that had read before a reload could save after it, and put all
        replicas back.
        """
        with ExitStack() as turn:
            try:
                self.lock.parent.mkdir(parents=True, exist_ok=True)
                turn.enter_context(hold_lock(self.lock, self._patience, self._pause))
            except OSError as error:
                return read(), error
            data = read()
            try:
                self.save(data)
            except OSError as error:
                return data, error
        return data, None

    def save(self, data: Data) -> None:
        """Replace the file; a reader sees the old one or the new one, never a part. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, json.dumps(data, sort_keys=True), durable=True)

    def read(self) -> Schedules:
        """The schedules in the file. Raises OSError, or ScheduleError when they are not good."""
        try:
            return parse(json.loads(self.path.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ScheduleError(f"{self.path}: {error}") from error

    def exists(self) -> bool:
        """Whether there are last good schedules."""
        return self.stamp() is not None

    def stamp(self) -> tuple[int, int] | None:
        """What changes when the file is replaced; None without one."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 - for each request: twice as fast
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns


class CurrentSchedules:
    """The schedules to answer with: those of the file as it is now, kept when it turns bad or goes away.

    `on_trouble` is told why, once for each bad file; `on_good` the version of one that has changed, or is good again.
    """

    def __init__(
        self,
        file: LastGood,
        first: Schedules,
        on_good: Callable[[str], object],
        on_trouble: Callable[[str], object],
    ) -> None:
        self._file, self._current = file, first
        self._on_good, self._on_trouble = on_good, on_trouble
        self._bad = False  # the file, at the last look
        self._stamp: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def get(self) -> Schedules:
        """The schedules; costs a look at the file's inode."""
        stamp = self._file.stamp()
        if stamp is not None and stamp != self._stamp:
            with self._lock:
                if stamp != self._stamp:
                    self._take_in(stamp)
        return self._current

    def _take_in(self, stamp: tuple[int, int]) -> None:
        former = self._current.version
        try:
            self._current = self._file.read()
        except (OSError, ScheduleError) as error:
            self._bad = True
            self._on_trouble(str(error))
        else:
            if self._bad or self._current.version != former:
                self._on_good(self._current.version)
            self._bad = False
        self._stamp = stamp

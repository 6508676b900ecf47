"""A snapshot of the tax schedules in a file that all processes of a host share.

The service calculates from the snapshot. A reload replaces the file atomically, so every worker of every replica
changes over at the same moment. No process needs the database between two reloads.
"""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from income_tax.tax.brackets import ScheduleError
from income_tax.tax.schedule_data import Data, Schedules, parse_schedules
from tax_common.atomic_write import write_atomically
from tax_common.file_lock import hold_lock
from tax_common.reloading_file import ReloadingFile

LOCK_TIMEOUT = 15.0  # seconds; longer than a process waits for a silent database


class ScheduleSnapshot:
    """The snapshot file; a process that refreshes it holds its lock, for which others wait `timeout` seconds."""

    def __init__(self, path: Path, timeout: float = LOCK_TIMEOUT, pause: Callable[[float], None] = time.sleep) -> None:
        self.path = path
        self.lock = path.with_name(path.name + ".lock")
        self._timeout, self._pause = timeout, pause

    def refresh(self, read: Callable[[], Data]) -> tuple[Data, OSError | None]:
        """Return the data of `read` and save it; or return the error that prevented that. Raises the errors of `read`.

        One process at a time reads and saves: else one that had read before a reload could save after it, and take all
        replicas back to the old schedules.
        """
        with ExitStack() as stack:
            try:
                self.lock.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(hold_lock(self.lock, self._timeout, self._pause))
            except OSError as error:
                return read(), error
            data = read()
            try:
                self.save(data)
            except OSError as error:
                return data, error
        return data, None

    def save(self, data: Data) -> None:
        """Replace the file atomically, durable over a crash of the machine. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, json.dumps(data, sort_keys=True), durable=True)

    def read(self) -> Schedules:
        """Return the schedules in the file. Raises OSError, or ScheduleError when they are invalid."""
        try:
            return parse_schedules(json.loads(self.path.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ScheduleError(f"{self.path}: {error}") from error

    def exists(self) -> bool:
        """Return whether there is a snapshot."""
        return self.path.exists()


class CurrentSchedules:
    """The schedules that requests are calculated with, replaced when the snapshot changes.

    An invalid or missing snapshot changes nothing. `on_trouble` receives the reason, once for each bad file; `on_good`
    the version of schedules that are new, or valid again.
    """

    def __init__(
        self,
        snapshot: ScheduleSnapshot,
        first: Schedules,
        on_good: Callable[[str], object],
        on_trouble: Callable[[str], object],
    ) -> None:
        self._version, self._on_good = first.version, on_good
        file = ReloadingFile(
            snapshot.path, lambda _: snapshot.read(), on_trouble, self._report_version, initial=first, is_required=False
        )
        self.get = file.get  # costs one os.stat

    def _report_version(self, schedules: Schedules, has_recovered: bool) -> None:
        former, self._version = self._version, schedules.version
        if has_recovered or former != self._version:
            self._on_good(self._version)

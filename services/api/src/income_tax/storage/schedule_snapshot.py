"""A snapshot of the tax schedules in a file that all processes on a host share.

The service calculates with the schedules of the snapshot. A reload replaces the file atomically, so all workers of all
replicas switch to the new schedules simultaneously. No process needs the database between two reloads.
"""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from income_tax.tax.brackets import ScheduleError
from income_tax.tax.schedule_parser import Data, Schedules, parse_schedules
from tax_common.files import hold_lock, write_atomically
from tax_common.reloading_file import ReloadingFile

LOCK_TIMEOUT = 15.0  # seconds; longer than the timeouts of an unresponsive database


class ScheduleSnapshot:
    """The snapshot file. A refresh holds a lock. Other processes wait up to `timeout` seconds for the lock."""

    def __init__(self, path: Path, timeout: float = LOCK_TIMEOUT, pause: Callable[[float], None] = time.sleep) -> None:
        self.path = path
        self.lock = path.with_name(path.name + ".lock")
        self._timeout, self._pause = timeout, pause

    def refresh(self, read: Callable[[], Data]) -> tuple[Data, OSError | None]:
        """Read and save the data. Return the data and None. If the save failed, return the error instead of None.

        Raises the errors of `read`.

        Only one process at a time reads and saves. Otherwise, a process could read the old data before a reload and
        save it after the reload. All replicas would then revert to the old schedules.
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
        """Replace the file atomically and durably. Raises OSError if the file cannot be written."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, json.dumps(data, sort_keys=True), durable=True)

    def read(self) -> Schedules:
        """Return the schedules in the file.

        Raises OSError if the file cannot be read, and ScheduleError if the schedules are invalid.
        """
        try:
            return parse_schedules(json.loads(self.path.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ScheduleError(f"{self.path}: {error}") from error

    def read_time(self) -> float | None:
        """Return the time when the file was last saved as a Unix timestamp, or None if there is no file."""
        try:
            return self.path.stat().st_mtime
        except OSError:
            return None

    def exists(self) -> bool:
        """Return whether the snapshot file exists."""
        return self.path.exists()


class CurrentSchedules:
    """The schedules that the service currently uses. The schedules are reloaded when the snapshot changes.

    If the snapshot is invalid or missing, the previous schedules remain in use. `on_trouble` receives the reason once
    for each invalid version of the file. `on_good` receives the version of the schedules when the schedules are new, or
    when the file is valid again.
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
        self.get = file.get  # each call of `get` checks for changes with one os.stat call

    def _report_version(self, schedules: Schedules, has_recovered: bool) -> None:
        former, self._version = self._version, schedules.version
        if has_recovered or former != self._version:
            self._on_good(self._version)

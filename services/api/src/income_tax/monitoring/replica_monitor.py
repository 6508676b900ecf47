"""The replica monitor. It detects replicas that stand still, for example because a container is paused or was killed.

Each worker writes its status file every two seconds, and removes the file when it stops. The monitor of each other
worker on the host watches these files. It measures how long a file remains unchanged with its own monotonic clock, so
that a change of the system time has no effect.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .worker_status import GONE, OBSOLETE

REPORT_AFTER = 20.0  # seconds without a sign of life after which a replica is reported
LATE = 15.0  # if two checks are this many seconds apart, this process itself stood still


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """The time of a worker's last write in nanoseconds, and the time when this process first saw it in seconds."""

    written: int
    seen: float


class ReplicaMonitor:
    """Watches the status files of all workers on the host.

    If the expected number of replicas is running, older replicas were replaced, so the monitor ignores their files.
    Only one worker reports, because its name is the first in alphabetical order among the running workers. `on_silent`
    receives the host name of each replica that stands still. `on_silent_worker` receives the name of each worker of
    such a replica, again after each check. `on_recovery` is called when no replica stands still any more and none is
    missing. It is also called after the first REPORT_AFTER seconds.
    """

    def __init__(
        self,
        folder: Path,
        get_name: Callable[[], str],
        read_expected: Callable[[], int | None],
        on_silent: Callable[[str], object],
        on_silent_worker: Callable[[str], object],
        on_recovery: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._get_name, self._read_expected = folder, get_name, read_expected
        self._on_silent, self._on_silent_worker, self._on_recovery = on_silent, on_silent_worker, on_recovery
        self._clock = clock
        self._signs: dict[str, SignOfLife] = {}
        self._began = self._checked = clock()
        self._reported: set[str] | None = None  # None until the first REPORT_AFTER seconds have passed
        self.troubles: list[str] = []  # messages about the replicas that stand still
        self.present: int | None = None  # replicas that run or stand still; None: this worker cannot judge it yet
        self.is_reporter = False  # whether this worker reports for all workers

    def check(self) -> None:
        """Read the signs of life, and report the replicas that stand still."""
        now = self._clock()
        if now - self._checked > LATE:
            self._signs, self._began = {}, now
        self._checked = now
        self._read_signs(now)
        self.present = None
        running = sorted(name for name, sign in self._signs.items() if now - sign.seen < GONE)
        if self._get_name() not in running:  # if this worker cannot write its own file, probably nobody can
            self.troubles = []
            return
        silent = self._find_silent(now, running)
        self.troubles = [describe_silence(host) for host in silent]
        self.is_reporter = running[0] == self._get_name()
        if now - self._began >= REPORT_AFTER:
            self.present = len({*map(get_host, running), *silent})
            overdue = {host for host, seen in silent.items() if now - seen >= REPORT_AFTER}
            self._report(overdue, set(silent), {*map(get_host, running)})

    def _report(self, overdue: set[str], silent: set[str], running: set[str]) -> None:
        former, expected = self._reported, self._read_expected()
        is_incomplete = expected is not None and len(running) < expected
        # The file of a killed replica is removed after OBSOLETE seconds, which is no recovery.
        removed = (former or set()) - running if is_incomplete else set()
        reported = overdue | ((former or set()) & (silent | removed))
        self._reported = None if former is None and (silent or is_incomplete) and not reported else reported
        for host in sorted(overdue) if self.is_reporter else ():
            for name in self._signs:
                if get_host(name) == host:
                    self._on_silent_worker(name)
            if host not in (former or ()):
                self._on_silent(host)
        if self._reported == set() and former != set():
            self._on_recovery()

    def _find_silent(self, now: float, running: list[str]) -> dict[str, float]:
        """Return the hosts whose workers are all silent, and the time of the last sign of life of each host."""
        hosts = {get_host(name) for name in running}
        others: dict[str, SignOfLife] = {}
        for name, sign in self._signs.items():
            host = get_host(name)
            if host not in hosts and (host not in others or sign.written > others[host].written):
                others[host] = sign
        expected = self._read_expected()
        newest = sorted(others, key=lambda host: others[host].written, reverse=True)
        missing = newest if expected is None else newest[: max(0, expected - len(hosts))]
        return {host: others[host].seen for host in sorted(missing) if now - others[host].seen >= GONE}

    def _read_signs(self, now: float) -> None:
        former, self._signs = self._signs, {}
        oldest = (time.time() - OBSOLETE) * 1e9
        for path in self._folder.glob("*.json"):
            try:
                written = path.stat().st_mtime_ns
            except OSError:  # a worker has just removed its file
                continue
            old = former.get(path.stem)
            if written > oldest:
                self._signs[path.stem] = old if old and old.written == written else SignOfLife(written, now)


def get_host(name: str) -> str:
    """Return the host name in the name of a worker, which is `host-pid`."""
    return name.rpartition("-")[0]


def describe_silence(host: str) -> str:
    """Return the message about a replica that stands still."""
    return f"replica {host} stands still: it has shown no sign of life for more than {GONE:g} s; run make up"

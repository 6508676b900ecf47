"""The status and the problems of the service on a host. The operator's page shows both."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .missing_replicas import describe_missing
from .request_history import TimeBucket
from .worker_status import WorkerSnapshot

LOW_DISK = 0.1  # if the free share of a volume is smaller, a problem is reported
MINUTES = 60  # number of minutes in the chart
WINDOWS = (1, 5, 10, 60)  # lengths of the time windows in minutes


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """The size of a volume and its free space, in bytes."""

    total: int
    free: int

    @property
    def share(self) -> float:
        """The free share of the volume, from 0 to 1."""
        return self.free / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """The responses of the last `minutes` minutes."""

    minutes: int
    counted: TimeBucket

    @property
    def rate(self) -> float:
        """The average number of requests per second."""
        return self.counted.requests / (60 * self.minutes)


@dataclass(frozen=True)
class ServiceStatus:
    """The state of the service on this host."""

    workers: Sequence[WorkerSnapshot]
    expected: int  # expected number of workers per replica
    expected_replicas: int | None  # None if the number is unknown
    alerts: Mapping[str, int]
    dead_letters: int  # permanently refused messages that the operator has not removed yet
    log_disk: DiskUsage | None
    history: Mapping[int, TimeBucket]  # the requests of the last hour; the keys are the start times of the buckets
    now: float
    own_troubles: Sequence[str] = ()  # the problems of this process, which might be unable to publish them

    @property
    def replicas(self) -> dict[str, list[WorkerSnapshot]]:
        """The workers, grouped by the host name of their replica."""
        hosts = sorted({worker.host for worker in self.workers})
        return {host: [worker for worker in self.workers if worker.host == host] for host in hosts}

    @cached_property
    def minutes(self) -> dict[int, TimeBucket]:
        """The responses of all workers in each minute of the last hour. The keys are start times."""
        last = int(self.now) // 60 * 60
        merged = {begin: TimeBucket() for begin in range(last - 60 * (MINUTES - 1), last + 1, 60)}
        for begin, bucket in self.history.items():
            if (minute := begin // 60 * 60) in merged:
                merged[minute].merge(bucket)
        return merged

    @cached_property
    def windows(self) -> list[Window]:
        """The responses of all workers in the time windows."""
        windows = []
        for minutes in WINDOWS:
            counted = TimeBucket()
            for begin, bucket in self.history.items():
                if begin > self.now - 60 * minutes:
                    counted.merge(bucket)
            windows.append(Window(minutes, counted))
        return windows

    @property
    def problems(self) -> list[str]:
        """The messages about the current problems."""
        return [
            *self._find_worker_problems(),
            *self._find_request_problems(),
            *self._find_alert_problems(),
            *self._find_disk_problems(),
        ]

    def _find_worker_problems(self) -> list[str]:
        troubles = [trouble for worker in self.workers for trouble in worker.troubles]
        found = list(dict.fromkeys([*self.own_troubles, *troubles]))
        if not self.workers:
            found.append("no worker publishes its metrics: check that the folder STATE_DIR is writable")
        elif len(self.replicas) < (self.expected_replicas or 0):
            found.append(describe_missing(len(self.replicas), self.expected_replicas or 0))
        for host, workers in self.replicas.items():
            if len(workers) < self.expected:
                found.append(f"replica {host} has {len(workers)} of {self.expected} workers")
        if len({worker.schedules for worker in self.workers}) > 1:
            found.append("the workers use different schedules: a reload is in progress, or did not reach all workers")
        if len({worker.version for worker in self.workers}) > 1:
            found.append("the workers run different versions: an update is in progress, or was interrupted")
        return found

    def _find_request_problems(self) -> list[str]:
        found = []
        if lost := sum(worker.lines_lost for worker in self.workers):
            found.append(f"{lost} log lines were lost: the log could not be written")
        if failed := self.windows[1].counted.statuses.get(5, 0):
            found.append(f"{failed} requests failed within the last five minutes: the alerts contain the reasons")
        return found

    def _find_alert_problems(self) -> list[str]:
        found = []
        if pending := self.alerts.get("pending", 0):
            found.append(f"alert messages that wait for their server: {pending}")
        if not self.alerts:
            found.append("the spool of the alerts cannot be read")
        if self.dead_letters:
            remedy = "see “Read and remove dead letters” in docs/how-to/alerts.md"
            found.append(f"permanently refused alert messages: {self.dead_letters}; {remedy}")
        return found

    def _find_disk_problems(self) -> list[str]:
        if self.log_disk is None:
            return ["the volume of the logs cannot be read: check that the folder of LOG_FILE exists"]
        if self.log_disk.share < LOW_DISK:
            return ["the volume of the logs is nearly full: lower LOG_MAX_SIZE or LOG_KEEP, or enlarge the volume"]
        return []


def read_expected_replicas(file: Path) -> int | None:
    """Read the number of replicas from a file. Return None if the file is unreadable or does not contain a number."""
    try:
        return int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def count_dead_letters(folder: Path) -> int:
    """Return the number of permanently refused messages that the operator has not removed yet."""
    return len(list(folder.glob("*.*")))


def measure_disk_usage(folder: Path) -> DiskUsage | None:
    """Return the disk usage of a folder's volume, or None if the usage cannot be read."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return DiskUsage(usage.total, usage.free)

"""What an operator wants to see at a glance: whether all is well, and if not, what is not."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .worker_metrics import SLOT, SLOTS, Slot
from .worker_snapshots import Worker, together

LITTLE_ROOM = 0.1  # of a volume, below which the operator is told
WINDOWS = (1, 5, 10)  # minutes


@dataclass(frozen=True, slots=True)
class Room:
    """The room of a volume, in bytes."""

    total: int
    free: int

    @property
    def share(self) -> float:
        """What is free of it."""
        return self.free / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """What was answered within the last minutes."""

    minutes: int
    counted: Slot

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.counted.requests / (60 * self.minutes)


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of the service on this host; `slots` are the last ten minutes, oldest first, by when they began."""

    workers: Sequence[Worker]
    expected: int  # workers of each replica
    expected_replicas: int | None  # None: nobody said how many
    alerts: Mapping[str, int]
    dead_letters: int  # mails refused for good that nobody has removed yet
    log_room: Room | None
    now: float

    @property
    def replicas(self) -> dict[str, list[Worker]]:
        """The workers by the host name of their replica."""
        hosts = sorted({worker.host for worker in self.workers})
        return {host: [worker for worker in self.workers if worker.host == host] for host in hosts}

    @property
    def slots(self) -> dict[int, Slot]:
        """What all workers together answered, ten seconds each."""
        last = int(self.now) // SLOT * SLOT
        counted = together(self.workers, last - SLOT * (SLOTS - 1))
        return {began: counted.get(began, Slot()) for began in range(last - SLOT * (SLOTS - 1), last + 1, SLOT)}

    @property
    def windows(self) -> list[Window]:
        """The last minutes, summed up."""
        windows = []
        for minutes in WINDOWS:
            counted = Slot()
            for began, slot in self.slots.items():
                if began > self.now - 60 * minutes:
                    counted.add(slot)
            windows.append(Window(minutes, counted))
        return windows

    @property
    def findings(self) -> list[str]:
        """What is not well, each in a sentence; none when all is."""
        return self._of_workers() + self._of_work() + self._of_alerts() + self._of_logs()

    def _of_workers(self) -> list[str]:
        found = list(dict.fromkeys(trouble for worker in self.workers for trouble in worker.troubles))
        if not self.workers:
            found.append("no worker has written what it does: is the volume of the state writable?")
        elif len(self.replicas) < (self.expected_replicas or 0):
            few = f"{len(self.replicas)} of {self.expected_replicas} replicas are there"
            found.append(f"{few}: run make up, or make up REPLICAS={len(self.replicas)} if no more are wanted")
        for host, workers in self.replicas.items():
            if len(workers) < self.expected:
                found.append(f"replica {host} has {len(workers)} of {self.expected} workers")
        if len({worker.schedules for worker in self.workers}) > 1:
            found.append("the workers answer from different schedules: a reload is under way, or did not reach all")
        if len({worker.version for worker in self.workers}) > 1:
            found.append("the workers are of different versions: an update is under way, or stopped half-way")
        return found

    def _of_work(self) -> list[str]:
        found = []
        if lost := sum(worker.lines_lost for worker in self.workers):
            found.append(f"{lost} log lines were lost: the log could not be written")
        if failed := self.windows[1].counted.statuses.get(5, 0):
            found.append(f"{failed} requests failed within the last five minutes: their alerts say why")
        return found

    def _of_alerts(self) -> list[str]:
        found = []
        if pending := self.alerts.get("pending", 0):
            found.append(f"alert mails that wait for the mail server: {pending}")
        if not self.alerts:
            found.append("the spool of the alerts cannot be read")
        if self.dead_letters:
            what = "see “dead letters” in docs/how-to/alerts.md"
            found.append(f"alert mails refused for good: {self.dead_letters}; {what}")
        return found

    def _of_logs(self) -> list[str]:
        if self.log_room is None:
            return ["the volume of the logs cannot be looked at: check that the folder of LOG_FILE exists"]
        if self.log_room.share < LITTLE_ROOM:
            return ["the volume of the logs is nearly full: lower LOG_MAX_SIZE or LOG_KEEP, or enlarge the volume"]
        return []


def read_replicas(file: Path) -> int | None:
    """How many replicas a file says there are to be; None when it does not say."""
    try:
        return int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def room_of(folder: Path) -> Room | None:
    """The room of the volume that holds a folder; None when that cannot be asked."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return Room(usage.total, usage.free)

"""The workers of this host, as the files that they publish tell of them."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .worker_metrics import Slot

GONE = 10.0  # seconds without a new file after which a worker is no more


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as its file tells: times are seconds since the epoch, slots are by the time at which they began."""

    host: str
    pid: int
    version: str
    started: float
    time: float
    schedules: str
    troubles: list[str]
    lines_lost: int
    slots: dict[int, Slot]


def read_workers(folder: Path, now: float) -> list[Worker]:
    """The workers of this host that are there now, by host and process."""
    workers = [worker for worker in _read(folder) if abs(now - worker.time) <= GONE]
    return sorted(workers, key=lambda worker: (worker.host, worker.pid))


def _read(folder: Path) -> Iterator[Worker]:
    for path in folder.glob("*.json"):
        # One that is gone meanwhile, or not whole after a crash of the host.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(path.read_text(encoding="utf-8"))
            slots = {
                int(began): Slot(*({int(key): count for key, count in counts.items()} for counts in both))
                for began, both in content.pop("slots").items()
            }
            yield Worker(slots=slots, **content)


def together(workers: Sequence[Worker], since: int) -> dict[int, Slot]:
    """What all workers counted from that time on, slot by slot, in the order of time."""
    slots: dict[int, Slot] = {}
    for worker in workers:
        for began, slot in worker.slots.items():
            if began >= since:
                slots.setdefault(began, Slot()).add(slot)
    return dict(sorted(slots.items()))

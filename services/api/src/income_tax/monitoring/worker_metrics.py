"""What a worker of this host does: requests and latencies of the last minutes, published for whoever wants to see.

A request adds to counts in memory and touches no file. A thread of each worker writes them to a file of the worker's
own, replaced whole every few seconds; a file that is no longer replaced is that of a worker which is gone.
"""

import contextlib
import json
import os
import socket
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SLOT = 10  # seconds that are counted together
SLOTS = 60  # kept: the last ten minutes
PUBLISHED_EVERY = 2.0  # seconds
FORGOTTEN = 3600.0  # seconds after which a file of one that did not stop by itself is removed

# Upper bounds of latencies in seconds, each a quarter above the one before, from 0.1 ms to some 50 s: a percentile is
# right to a quarter. One more takes what is longer.
BOUNDS = tuple(0.0001 * 1.25**n for n in range(60))


@dataclass(slots=True)
class Slot:
    """What was answered within one slot of time: answers by class of status (2 is 2xx), and their latencies."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies: dict[int, int] = field(default_factory=dict)  # by index of the bound

    def add(self, other: "Slot") -> None:
        """Add what another counted."""
        for mine, theirs in ((self.statuses, other.statuses), (self.latencies, other.latencies)):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return sum(self.statuses.values())

    def percentile(self, share: float) -> float | None:
        """The latency in seconds within which that share of the requests was answered; None without requests."""
        rank, seen = share * self.requests, 0
        for index in sorted(self.latencies):
            seen += self.latencies[index]
            if seen >= rank:
                return BOUNDS[min(index, len(BOUNDS) - 1)]
        return None


class Activity:
    """Counts what one worker answers, and publishes it; one thread may count while others do."""

    def __init__(self, folder: Path, version: str, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._version = version
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[int, Slot] = {}
        self._stop = threading.Event()
        self._path: Path | None = None
        self._thread: threading.Thread | None = None

    def count(self, status: int, seconds: float) -> None:
        """Count an answer."""
        began = int(self._clock()) // SLOT * SLOT
        index = bisect_left(BOUNDS, seconds)
        with self._lock:
            slot = self._slots.get(began)
            if slot is None:
                slot = self._slots[began] = Slot()
                for old in [one for one in self._slots if one <= began - SLOT * SLOTS]:
                    del self._slots[old]
            slot.statuses[status // 100] = slot.statuses.get(status // 100, 0) + 1
            slot.latencies[index] = slot.latencies.get(index, 0) + 1

    def start(self, state: Callable[[], Mapping[str, Any]]) -> None:
        """Begin to publish, with what `state` gives; after the fork, which threads do not survive."""
        host, pid = socket.gethostname(), os.getpid()
        self._path = self.folder / f"{host}-{pid}.json"
        known = {"host": host, "pid": pid, "version": self._version, "started": self._clock()}
        self._thread = threading.Thread(target=self._run, args=(self._path, known, state), name="activity", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Publish no more; the file goes, so that nobody takes this worker for one that answers."""
        self._stop.set()
        if self._thread:
            self._thread.join(PUBLISHED_EVERY)  # else it might publish once more
        if self._path:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _run(self, path: Path, known: Mapping[str, Any], state: Callable[[], Mapping[str, Any]]) -> None:
        self._sweep()
        while not self._stop.is_set():
            with contextlib.suppress(OSError):  # a full disk is said elsewhere; it must not end this thread
                self._publish(path, {**known, **state()})
            self._stop.wait(PUBLISHED_EVERY)

    def _publish(self, path: Path, content: Mapping[str, Any]) -> None:
        with self._lock:
            slots = {began: [dict(slot.statuses), dict(slot.latencies)] for began, slot in self._slots.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps({**content, "time": self._clock(), "slots": slots}), encoding="utf-8")
        part.replace(path)

    def _sweep(self) -> None:
        """Remove what workers that were killed have left."""
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                if self._clock() - path.stat().st_mtime > FORGOTTEN:
                    path.unlink()

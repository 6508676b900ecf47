"""Metrics of the workers on a host: the requests and latencies of the last ten minutes.

Each worker counts its requests in memory. Every few seconds, a thread of the worker writes the counts to the worker's
JSON file. A worker whose file is no longer updated counts as ended.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tax_common.files import build_process_name, write_atomically
from tax_common.latency_histogram import LatencyHistogram

BUCKET_SECONDS = 10
BUCKETS_KEPT = 60  # number of buckets in ten minutes
PUBLISH_INTERVAL = 2.0  # seconds between two writes of a worker's file
GONE = 6.0  # seconds without an update after which a worker counts as ended
OBSOLETE = 3600.0  # seconds after which the file of a killed worker is removed
PRECISION = 2  # precision of the histograms: percentiles are at most 25 % too high


def build_histogram() -> LatencyHistogram:
    """Build an empty latency histogram."""
    return LatencyHistogram(PRECISION)


@dataclass(slots=True)
class TimeBucket:
    """The number of responses of each status class (2 means 2xx) in an interval, and the latencies of the responses."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: LatencyHistogram = field(default_factory=build_histogram)

    def merge(self, other: "TimeBucket") -> None:
        """Add the counts of another bucket."""
        self.statuses.update(other.statuses)
        self.latencies.merge(other.latencies)

    @property
    def requests(self) -> int:
        """The number of responses."""
        return self.statuses.total()

    def compute_percentile(self, share: float) -> float | None:
        """Return a latency percentile in seconds, or None if there are no responses. `share` 0.5 means the median."""
        return self.latencies.percentiles([100 * share])[0] / 1000 if self.requests else None


class WorkerMetrics:
    """A thread-safe counter of one worker's responses. A thread writes the counts to the worker's file."""

    def __init__(self, folder: Path, version: str, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._version = version
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[int, TimeBucket] = {}  # the keys are start times
        self._stop = threading.Event()
        self._path: Path | None = None
        self._thread: threading.Thread | None = None
        self.trouble: str | None = None  # the reason why the file could not be written, or None

    @property
    def name(self) -> str:
        """The name of the worker's file without its suffix."""
        return build_process_name()

    def record(self, status: int, seconds: float) -> None:
        """Count a response and its latency."""
        begin = int(self._clock()) // BUCKET_SECONDS * BUCKET_SECONDS
        with self._lock:
            bucket = self._buckets.get(begin)
            if bucket is None:
                bucket = self._buckets[begin] = TimeBucket()
                for old in [one for one in self._buckets if one <= begin - BUCKET_SECONDS * BUCKETS_KEPT]:
                    del self._buckets[old]
            bucket.statuses[status // 100] += 1
            bucket.latencies.record(int(seconds * 1_000_000))

    def start(self, state: Callable[[], Mapping[str, Any]]) -> None:
        """Start the thread that writes the worker's file.

        The file contains the metrics and the fields that `state` returns. Call this method after the fork, because
        threads do not survive a fork.
        """
        host, pid = socket.gethostname(), os.getpid()
        self._path = self.folder / f"{self.name}.json"
        known = {"host": host, "pid": pid, "version": self._version, "started": self._clock()}
        self._thread = threading.Thread(target=self._run, args=(self._path, known, state), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and remove the worker's file. Call this method before the worker ends."""
        self._stop.set()
        if self._thread:
            self._thread.join(PUBLISH_INTERVAL)  # otherwise the thread might write the file again
        if self._path:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _run(self, path: Path, known: Mapping[str, Any], state: Callable[[], Mapping[str, Any]]) -> None:
        self._remove_obsolete()
        while not self._stop.is_set():
            try:
                self._publish(path, {**known, **state()})
                self.trouble = None
            except OSError as error:  # a full disk must not end this thread
                self.trouble = f"the folder STATE_DIR cannot be written: {error.strerror}; free disk space"
            self._stop.wait(PUBLISH_INTERVAL)

    def _publish(self, path: Path, content: Mapping[str, Any]) -> None:
        with self._lock:
            slots = {begin: [dict(b.statuses), dict(b.latencies.counts)] for begin, b in self._buckets.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({**content, "time": self._clock(), "slots": slots}), mode=0o644)

    def _remove_obsolete(self) -> None:
        """Remove the files that killed workers left."""
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                if self._clock() - path.stat().st_mtime > OBSOLETE:
                    path.unlink()


@dataclass(frozen=True, slots=True)
class WorkerSnapshot:
    """The content of a worker's file. Times are Unix timestamps. The keys of `buckets` are start times."""

    host: str
    pid: int
    version: str
    started: float
    time: float
    schedules: str
    troubles: list[str]
    lines_lost: int
    buckets: dict[int, TimeBucket]


def read_snapshots(folder: Path, now: float) -> list[WorkerSnapshot]:
    """Return the snapshots of all running workers, sorted by host name and process id."""
    workers = [worker for worker in parse_snapshots(folder) if abs(now - worker.time) <= GONE]
    return sorted(workers, key=lambda worker: (worker.host, worker.pid))


def parse_snapshots(folder: Path) -> Iterator[WorkerSnapshot]:
    """Parse the files of a folder, and skip files that are malformed or have been removed."""
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(path.read_text(encoding="utf-8"))
            buckets = {int(begin): parse_bucket(*counts) for begin, counts in content.pop("slots").items()}
            yield WorkerSnapshot(buckets=buckets, **content)


def parse_bucket(statuses: Mapping[str, int], latencies: Mapping[str, int]) -> TimeBucket:
    """Parse the counts of a bucket. The keys of the counts are strings, because JSON allows no other keys."""
    by_class, by_latency = (Counter({int(key): n for key, n in counts.items()}) for counts in (statuses, latencies))
    return TimeBucket(by_class, LatencyHistogram(PRECISION, by_latency))


def merge_buckets(workers: Sequence[WorkerSnapshot], since: int) -> dict[int, TimeBucket]:
    """Merge all workers' buckets that start at `since` or later. Return the merged buckets in order of start time."""
    merged: dict[int, TimeBucket] = {}
    for worker in workers:
        for begin, bucket in worker.buckets.items():
            if begin >= since:
                merged.setdefault(begin, TimeBucket()).merge(bucket)
    return dict(sorted(merged.items()))

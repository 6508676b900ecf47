"""The requests and latencies of the last hour on a host, which outlive the restart of a replica.

The counters of a replica only grow. Every few seconds, one worker of the replica computes their increase, and adds it
to the current time bucket in the replica's file. All replicas of the host can read the files of all others.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from income_tax.metrics.cell_layout import LATENCIES, LATENCY_SUM, ROUTE_CELLS, STATUSES
from income_tax.metrics.latency_buckets import BUCKETS, compute_percentile
from income_tax.metrics.worker_counters import Route, WorkerCounters
from tax_common.files import write_atomically

from .worker_status import remove_old_files

BUCKET_SECONDS = 10
SPAN = 3600  # seconds of the history
OWN_RULES = ("/health/", "/status")  # requests of the operators and their tools, which the history omits


@dataclass(slots=True)
class TimeBucket:
    """The number of responses of each status class (2 means 2xx), and of each latency bucket."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)

    def merge(self, other: "TimeBucket") -> None:
        """Add the counts of another bucket."""
        self.statuses.update(other.statuses)
        self.latencies.update(other.latencies)

    def subtract(self, earlier: "TimeBucket") -> "TimeBucket":
        """Return the increase since an earlier state of the same counters."""
        return TimeBucket(self.statuses - earlier.statuses, self.latencies - earlier.latencies)

    @property
    def requests(self) -> int:
        """The number of responses."""
        return self.statuses.total()

    def compute_percentile(self, share: float) -> float | None:
        """Return a latency percentile in seconds, or None if there are no responses. `share` 0.5 means the median."""
        return compute_percentile([self.latencies[index] for index in range(BUCKETS)], share)


def sum_routes(routes: Iterable[Route], cells: list[int]) -> TimeBucket:
    """Add up the counts of all routes, except the routes of OWN_RULES."""
    total = TimeBucket()
    for number, route in enumerate(routes):
        if not route.rule.startswith(OWN_RULES):
            block = cells[number * ROUTE_CELLS : (number + 1) * ROUTE_CELLS]
            for status, count in zip(STATUSES[:-1], block, strict=False):
                if count:
                    total.statuses[int(status[0])] += count
            total.latencies.update({i: n for i, n in enumerate(block[LATENCIES:LATENCY_SUM]) if n})
    return total


class RequestHistory:
    """Records the history of a replica in its file."""

    def __init__(
        self, folder: Path, host: str, counters: WorkerCounters, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder, self._path = folder, folder / f"{host}.json"
        self._counters = counters
        self._clock = clock
        self._recorded = TimeBucket()  # the counts that this process has recorded

    def record_if_first(self) -> None:
        """Record the increase if this worker is the first of its replica. Raises OSError if the write fails."""
        if self._counters.is_first_worker:
            self.record()

    def record(self) -> None:
        """Add the increase of the counters to the current time bucket. Raises OSError if the file is not written.

        The file contains the counts that its buckets include. Therefore, a change of the recording worker neither loses
        requests nor counts them twice.
        """
        now, epoch = self._clock(), self._counters.shared.epoch
        total = sum_routes(self._counters.routes, self._counters.shared.sum_cells())
        content = read_content(self._path)
        former = parse_bucket(content["total"]) if content["epoch"] == epoch else self._recorded
        buckets = {begin: counts for begin, counts in content["buckets"].items() if int(begin) > now - SPAN}
        begin = str(int(now) // BUCKET_SECONDS * BUCKET_SECONDS)
        current = parse_bucket(buckets.get(begin, {}))
        current.merge(total.subtract(former))
        if current.requests:
            buckets[begin] = serialize_bucket(current)
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_old_files(self.folder, now - SPAN)
        text = orjson.dumps({"epoch": epoch, "total": serialize_bucket(total), "buckets": buckets})
        write_atomically(self._path, text, mode=0o644)
        self._recorded = total


def read_history(folder: Path, now: float) -> dict[int, TimeBucket]:
    """Return the requests of all replicas in the last hour. The keys are the start times of the buckets, in order."""
    merged: dict[int, TimeBucket] = {}
    for path in folder.glob("*.json"):
        for begin, counts in read_content(path)["buckets"].items():
            if now - SPAN < int(begin) <= now:
                merged.setdefault(int(begin), TimeBucket()).merge(parse_bucket(counts))
    return dict(sorted(merged.items()))


def read_content(path: Path) -> dict[str, Any]:
    """Read a file of a history. Return the content of a new file if the file is missing or malformed."""
    try:
        content: dict[str, Any] = orjson.loads(path.read_bytes())
        for bucket in (content["total"], *content["buckets"].values()):
            parse_bucket(bucket)
        if all(begin.isdigit() for begin in content["buckets"]) and content["epoch"]:
            return content
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    return {"epoch": "", "total": {}, "buckets": {}}


def serialize_bucket(bucket: TimeBucket) -> dict[str, Mapping[str, int]]:
    """Convert a bucket to JSON objects, whose keys must be strings."""
    counts = {"statuses": bucket.statuses, "latencies": bucket.latencies}
    return {name: {str(key): count for key, count in values.items()} for name, values in counts.items()}


def parse_bucket(content: Mapping[str, Mapping[str, int]]) -> TimeBucket:
    """Convert the JSON objects of a bucket back to a bucket."""
    statuses, latencies = (
        Counter({int(key): count for key, count in content.get(name, {}).items()}) for name in ("statuses", "latencies")
    )
    return TimeBucket(statuses, latencies)

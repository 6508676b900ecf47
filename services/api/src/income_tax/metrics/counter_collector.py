"""The collector that exposes a replica's counters to Prometheus. docs/reference/metrics.md lists the metrics."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from . import cell_layout as layout
from .latency_buckets import EXPOSED, accumulate_exposed
from .metric_families import build_count, build_counter, build_gauge, build_histogram, name_buckets
from .worker_counters import WorkerCounters

# Prometheus computes no increase from the first value of a series, so the series of these statuses begin with zero.
FIRST_STATUSES = {"200", "500"}
DURATION = "Time from the arrival of a request to its response."


class CounterCollector(Collector):
    """Collects the sums of the counters of all workers at each scrape."""

    def __init__(self, counters: WorkerCounters, threads: int) -> None:
        self._counters = counters
        self._threads = threads

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        cells = self._counters.shared.sum_cells()
        yield from self._collect_requests(cells)
        yield from collect_calculations(cells)
        yield from collect_logins(cells)
        yield build_count("log_lines_written", "Log lines of the API that were written.", cells[layout.LINES_WRITTEN])
        yield build_count("log_lines_lost", "Log lines of the API that were lost.", cells[layout.LINES_LOST])
        yield from self._collect_workers(cells)

    def _collect_requests(self, cells: Sequence[int]) -> Iterator[Metric]:
        requests = build_counter("requests", "Responses of the API.", "method", "route", "status")
        durations = build_histogram("request_duration_seconds", DURATION, "method", "route")
        for number, route in enumerate(self._counters.routes):
            block = cells[number * layout.ROUTE_CELLS : (number + 1) * layout.ROUTE_CELLS]
            for status, count in zip(layout.STATUSES, block, strict=False):
                if count or status in FIRST_STATUSES:
                    requests.add_metric([*route, status], count)
            buckets = accumulate_exposed(block[layout.LATENCIES : layout.LATENCY_SUM])
            if buckets[-1]:
                durations.add_metric([*route], name_buckets(EXPOSED, buckets), block[layout.LATENCY_SUM] / 1e6)
        yield from (requests, durations)

    def _collect_workers(self, cells: Sequence[int]) -> Iterator[Metric]:
        shared = self._counters.shared
        running = shared.running_workers
        yield build_gauge("workers", "Worker processes that run now.", running)
        yield build_gauge("threads", "Threads that answer requests.", running * self._threads)
        yield build_gauge("threads_busy", "Threads that answer a request now.", sum(cells[layout.THREADS_BUSY :]))
        yield build_count("worker_starts", "Worker processes that were started.", shared.worker_starts)
        exits = build_counter("worker_exits", "Worker processes that ended as planned, or were killed.", "reason")
        for reason, count in shared.worker_exits.items():
            exits.add_metric([reason], count)
        yield exits


def collect_calculations(cells: Sequence[int]) -> Iterator[Metric]:
    """Yield the numbers of calculated households, and the sizes of the batches."""
    calculations = build_counter("calculations", "Households whose tax was calculated.", "kind", "year")
    for number, kind in enumerate(layout.KINDS):
        for index, year in enumerate(layout.YEARS):
            if count := cells[layout.CALCULATIONS + number * len(layout.YEARS) + index]:
                calculations.add_metric([kind, year], count)
    yield calculations
    sizes = build_histogram("batch_households", "Households of a batch.")
    counts = [*accumulate(cells[layout.BATCH_SIZES : layout.BATCH_HOUSEHOLDS])]
    sizes.add_metric([], name_buckets(layout.BATCH_BOUNDS, counts), cells[layout.BATCH_HOUSEHOLDS])
    yield sizes


def collect_logins(cells: Sequence[int]) -> Iterator[Metric]:
    """Yield the numbers of logins and password checks."""
    logins = build_counter("logins", "Logins whose credentials were not cached.", "outcome")
    for index, outcome in enumerate(layout.OUTCOMES):
        logins.add_metric([outcome], cells[layout.LOGINS + index])
    yield logins
    refused = "Password checks that were refused, because too many were waiting."
    yield build_count("password_checks_refused", refused, cells[layout.CHECKS_REFUSED])
    yield build_gauge(
        "password_checks_waiting", "Threads that wait for a password check.", cells[layout.CHECKS_WAITING]
    )

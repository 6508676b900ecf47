"""The results, settings and machine data of a run, and the merge of the runs of several clients."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tax_common.latency_histogram import LatencyHistogram

from .outcome_counters import REPORT_INTERVAL, Counters

CLIENT_LIMIT = 0.9  # the client is the bottleneck if it uses this share of the available CPU time or more
SLICES_MIN = 4  # a chart with fewer complete intervals also shows the incomplete last interval
LOAD_SECONDS = 1.0  # minimum length of a run for which a client bottleneck is reported
LIMIT_MESSAGE = "the client is the bottleneck, not the server: raise --processes, or give the client more cores"
PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9)
PER_CLIENT = ("requests", "connections", "processes", "loop")  # settings whose values apply to each client


@dataclass(slots=True)
class Interval:
    """The counts of a short interval of a run, and the number of requests in flight at the end of the interval."""

    counters: Counters = field(default_factory=Counters)
    in_flight: int = 0

    def add(self, other: "Interval") -> None:
        """Add the counts of the same interval of another client."""
        self.counters.add(other.counters)
        self.in_flight += other.in_flight


@dataclass(frozen=True, slots=True)
class Slice:
    """The interval `part` of a run. `begin` and `end` are its bounds in seconds from the start of the run."""

    begin: float
    end: float
    part: Interval

    @property
    def middle(self) -> float:
        """The middle of the interval, in seconds from the start of the run."""
        return (self.begin + self.end) / 2

    @property
    def label(self) -> str:
        """The bounds of the interval as text."""
        return f"{self.begin:g} to {self.end:.4g} s"

    def compute_rate(self, count: int) -> float:
        """Convert a count of the interval to a rate per second."""
        return count / (self.end - self.begin)


@dataclass(slots=True)
class Run:
    """The results of a running or finished load test. Times are in seconds. `started` is in seconds since 1970.

    `cores` is the number of cores that the processes of the run can use together.
    """

    started: float
    settings: dict[str, Any]
    machine: dict[str, Any]
    cores: float
    length: float | None = None  # planned duration; None if only the number of requests limits the run
    measured_from: float = 0.0  # end of ramp-up and warm-up, which throughput and latencies exclude
    measured_until: float = 0.0
    clients: int = 1
    elapsed: float = 0.0
    total: Counters = field(default_factory=Counters)
    interval: float = REPORT_INTERVAL  # length of an interval; the n-th interval begins at n times this length
    intervals: dict[int, Interval] = field(default_factory=dict)
    interrupted_by: int = 0  # number of a signal, or 0
    ended_badly: list[str] = field(default_factory=list)  # messages about failures of the client itself
    remarks: list[str] = field(default_factory=list)  # messages about unreliable measurements or lost log lines

    @property
    def measured_seconds(self) -> float:
        """The length of the measured time."""
        return max(0.0, self.measured_until - self.measured_from)

    @property
    def rate(self) -> float:
        """The throughput, in answers of any kind per second of the measured time. NaN if nothing was measured."""
        return self.total.measured / self.measured_seconds if self.total.sent and self.measured_seconds else math.nan

    @property
    def client_load(self) -> float:
        """The share of the available CPU time that the client used. A run counts as at least one REPORT_INTERVAL."""
        return self.total.cpu / (max(self.elapsed, REPORT_INTERVAL) * self.cores)

    @property
    def is_client_limit(self) -> bool:
        """Whether the client is the bottleneck instead of the server."""
        return self.elapsed >= LOAD_SECONDS and self.client_load >= CLIENT_LIMIT

    def coarsen(self, interval: float) -> None:
        """Merge intervals into longer intervals. `interval`, in seconds, must be a multiple of `self.interval`."""
        factor = round(interval / self.interval)
        if factor == 1:
            return
        finer, self.intervals, self.interval = self.intervals, {}, interval
        for number, part in sorted(finer.items()):
            longer = self.intervals.setdefault(number // factor, Interval())
            longer.counters.add(part.counters)
            longer.in_flight = part.in_flight

    def list_slices(self) -> list[Slice]:
        """List the complete intervals. If there are fewer than SLICES_MIN, add the incomplete last interval."""
        slices = [
            Slice(number * self.interval, min((number + 1) * self.interval, max(self.elapsed, 1e-3)), part)
            for number, part in sorted(self.intervals.items())
            if number * self.interval < self.elapsed or not number
        ]
        whole = [one for one in slices if one.end - one.begin > 0.99 * self.interval]
        return whole if len(whole) >= SLICES_MIN else slices


def compute_figures(latencies: LatencyHistogram) -> dict[str, float]:
    """Return a mapping from names, such as p99 and mean, to values in milliseconds, or to NaN without latencies."""
    names = [f"p{percent:g}" for percent in PERCENTS]
    percentiles = dict(zip(names, latencies.percentiles(PERCENTS), strict=True))
    return percentiles | {"max": latencies.max, "mean": round(latencies.mean, 3)}


def merge_runs(runs: Sequence[Run], expected_clients: int | None = None) -> Run:
    """Merge the runs of several clients. Add counts and histograms, and align intervals by the start times.

    The measured time begins at the end of the first warm-up, and ends when the measured time of the last client ends.
    `expected_clients` is the number of clients that should have left a report.
    """
    began = min(run.started for run in runs)
    offsets = [run.started - began for run in runs]
    planned = [run.length + offset for run, offset in zip(runs, offsets, strict=True) if run.length]
    merged = Run(
        started=began,
        settings={name: merge_values(name, [run.settings.get(name) for run in runs]) for name in runs[0].settings},
        machine={name: merge_values(name, [run.machine.get(name) for run in runs]) for name in runs[0].machine},
        cores=sum(run.cores for run in runs),
        length=max(planned) if len(planned) == len(runs) else None,
        measured_from=min(run.measured_from + offset for run, offset in zip(runs, offsets, strict=True)),
        measured_until=max(run.measured_until + offset for run, offset in zip(runs, offsets, strict=True)),
        clients=sum(run.clients for run in runs),
        interval=max(run.interval for run in runs),
        elapsed=max(run.elapsed + offset for run, offset in zip(runs, offsets, strict=True)),
        interrupted_by=max(run.interrupted_by for run in runs),
        ended_badly=[sentence for run in runs for sentence in run.ended_badly],
        remarks=[sentence for run in runs for sentence in run.remarks],
    )
    for run, offset in zip(runs, offsets, strict=True):
        merged.total.add(run.total)
        run.coarsen(merged.interval)
        for number, part in run.intervals.items():
            merged.intervals.setdefault(number + round(offset / merged.interval), Interval()).add(part)
    add_merge_warnings(merged, runs, expected_clients)
    return merged


def add_merge_warnings(merged: Run, runs: Sequence[Run], expected_clients: int | None) -> None:
    """Add failures for clients without a report or a right answer, and a remark about times at which no client ran."""
    if expected_clients is not None and merged.clients < expected_clients:
        merged.ended_badly.append(f"{expected_clients - merged.clients} of {expected_clients} clients left no report")
    if merged.total.right and (idle := sum(not run.total.right for run in runs)):
        merged.ended_badly.append(f"{idle} of {len(runs)} clients got no right answer")
    if pause := sum_pauses(runs):
        merged.remarks.append(
            f"the clients did not run at the same time: no client ran for {pause:.1f} s, "
            "and the throughput includes this pause"
        )


def sum_pauses(runs: Sequence[Run]) -> float:
    """Sum the seconds without a running client between the start of the first client and the end of the last client."""
    pause, until = 0.0, min(run.started for run in runs)
    for run in sorted(runs, key=lambda run: run.started):
        pause += max(0.0, run.started - until)
        until = max(until, run.started + run.elapsed)
    return pause


def merge_values(name: str, values: Sequence[object]) -> object:
    """Merge the values of a setting from several clients. If the values differ, return a text that lists them.

    If all values are equal, return the value. For a setting in PER_CLIENT, also name the number of clients.
    """
    first = values[0]
    is_common = all(value == first for value in values)
    if is_common and name in PER_CLIENT and len(values) > 1 and first not in (None, "closed"):
        return f"{len(values)} clients x {first}"
    return first if is_common else ", ".join(map(str, values))

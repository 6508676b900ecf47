"""The record of a run: its counts in total and by interval, and its circumstances; several runs merged into one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tax_common.latency_histogram import LatencyHistogram

from .counters import REPORT_INTERVAL, Counters

CLIENT_LIMIT = 0.9  # of its processor time: above it the figures are the client's rather than the server's
SLICES_MIN = 4  # with fewer whole intervals a chart shows a partial one too
LOAD_SECONDS = 1.0  # shortest run that the limit is reported for
LIMIT_MESSAGE = "the client is the limit, not the server: more --processes, or more cores, would send more"
PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9)
PER_CLIENT = ("requests", "connections", "processes", "loop")  # settings that each client has for itself


@dataclass(slots=True)
class Interval:
    """Counts of a short part of a run, and the number of requests in flight at its end."""

    counters: Counters = field(default_factory=Counters)
    in_flight: int = 0

    def add(self, other: "Interval") -> None:
        """Add the same interval of another client."""
        self.counters.add(other.counters)
        self.in_flight += other.in_flight


@dataclass(frozen=True, slots=True)
class Slice:
    """An interval of a run, from `begin` to `end` in seconds."""

    begin: float
    end: float
    part: Interval

    @property
    def middle(self) -> float:
        """Its middle in seconds."""
        return (self.begin + self.end) / 2

    @property
    def label(self) -> str:
        """Its time as text."""
        return f"{self.begin:g} to {self.end:.4g} s"

    def compute_rate(self, count: int) -> float:
        """Return a count of the interval as a rate a second."""
        return count / (self.end - self.begin)


@dataclass(slots=True)
class Run:
    """A run in progress or at its end; times are in seconds, `started` since 1970.

    `cores` is the number of processors that its processes can use together.
    """

    started: float
    settings: dict[str, Any]
    machine: dict[str, Any]
    cores: float
    length: float | None = None  # planned; None when only the number of requests limits the run
    measured_from: float = 0.0  # the end of ramp-up and warm-up, which the figures exclude
    measured_until: float = 0.0
    clients: int = 1
    elapsed: float = 0.0
    total: Counters = field(default_factory=Counters)
    interval: float = REPORT_INTERVAL  # length of an interval; the n-th begins at n times that
    intervals: dict[int, Interval] = field(default_factory=dict)
    interrupted_by: int = 0  # a signal
    ended_badly: list[str] = field(default_factory=list)  # failures of the client itself, as sentences
    remarks: list[str] = field(default_factory=list)  # on reading the figures, and lost log lines

    @property
    def measured_seconds(self) -> float:
        """The length of the measured time."""
        return max(0.0, self.measured_until - self.measured_from)

    @property
    def rate(self) -> float:
        """The throughput: answers of any kind a second, in the measured time."""
        return self.total.measured / self.measured_seconds if self.measured_seconds else 0.0

    @property
    def is_sound(self) -> bool:
        """Whether requests were sent, and the client itself did not fail."""
        return self.total.sent > 0 and not self.ended_badly

    @property
    def is_all_right(self) -> bool:
        """Whether the run is sound, and each due request has a right answer."""
        return self.is_sound and not self.total.errors

    @property
    def client_load(self) -> float:
        """The part of its processor time that the client used."""
        return self.total.cpu / (self.elapsed * self.cores) if self.elapsed else 0.0

    @property
    def is_client_limit(self) -> bool:
        """Whether the client rather than the server limits the figures."""
        return self.elapsed >= LOAD_SECONDS and self.client_load >= CLIENT_LIMIT

    def coarsen(self, interval: float) -> None:
        """Merge intervals into longer ones, of so many seconds: a multiple of the present length."""
        factor = round(interval / self.interval)
        if factor == 1:
            return
        finer, self.intervals, self.interval = self.intervals, {}, interval
        for number, part in sorted(finer.items()):
            longer = self.intervals.setdefault(number // factor, Interval())
            longer.counters.add(part.counters)
            longer.in_flight = part.in_flight

    def list_slices(self) -> list[Slice]:
        """List the whole intervals, and the partial last one when there are few."""
        slices = [
            Slice(number * self.interval, min((number + 1) * self.interval, max(self.elapsed, 1e-3)), part)
            for number, part in sorted(self.intervals.items())
            if number * self.interval < self.elapsed or not number
        ]
        whole = [one for one in slices if one.end - one.begin > 0.99 * self.interval]
        return whole if len(whole) >= SLICES_MIN else slices


def compute_figures(latencies: LatencyHistogram) -> dict[str, float]:
    """Return percentiles, maximum and mean in milliseconds, by name."""
    names = [f"p{percent:g}" for percent in PERCENTS]
    percentiles = dict(zip(names, latencies.percentiles(PERCENTS), strict=True))
    return percentiles | {"max": latencies.max, "mean": round(latencies.mean, 3)}


def merge_runs(runs: Sequence[Run], expected_clients: int | None = None) -> Run:
    """Merge runs of several clients: add counts and histograms, and align intervals by the time of day.

    The measured time begins at the end of the first warm-up and ends with the last client. Differing settings are
    listed. The result names missing clients and times without any client.
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
    """Add missing clients to the failures, and times without any client to the remarks."""
    if expected_clients is not None and merged.clients < expected_clients:
        merged.ended_badly.append(f"{expected_clients - merged.clients} of {expected_clients} clients left no report")
    if pause := sum_pauses(runs):
        merged.remarks.append(
            f"the clients did not run at the same time: for {pause:.1f} s none ran, and the throughput includes it"
        )


def sum_pauses(runs: Sequence[Run]) -> float:
    """Return the seconds between the first begin and the last end in which no client ran."""
    pause, until = 0.0, min(run.started for run in runs)
    for run in sorted(runs, key=lambda run: run.started):
        pause += max(0.0, run.started - until)
        until = max(until, run.started + run.elapsed)
    return pause


def merge_values(name: str, values: Sequence[object]) -> object:
    """Merge a setting of several clients into one value when all are equal, else into a list."""
    first = values[0]
    is_common = all(value == first for value in values)
    if is_common and name in PER_CLIENT and len(values) > 1 and first not in (None, "closed"):
        return f"{len(values)} clients x {first}"
    return first if is_common else ", ".join(map(str, values))

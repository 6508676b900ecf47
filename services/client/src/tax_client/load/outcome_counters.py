"""The counts of a load run, and the pipe through which senders report counts to the coordinator."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from hdrh.histogram import HdrHistogram

from tax_common.latency_histogram import LatencyHistogram
from tax_common.logs import LogFile

from .answer_check import WRONG_KEPT, WrongAnswer

REPORT_INTERVAL = 0.25  # seconds between two reports of a sender
DIGITS = 3  # significant digits of a histogram
SUMS = ("sent", "right", "wrong", "answered", "measured", "retries", "unsent", "cpu")  # fields that Counters.add sums


def count_latencies(microseconds: Iterable[int]) -> LatencyHistogram:
    """Build a histogram from latencies in whole microseconds."""
    histogram = LatencyHistogram()
    histogram.counts.update(map(histogram.find_bucket, microseconds))
    return histogram


def encode_histogram(latencies: LatencyHistogram) -> str | None:
    """Encode latencies in base64 as an HdrHistogram V2, which other tools can read. Return None if there are none."""
    if not latencies.total:
        return None
    histogram = HdrHistogram(1, latencies.HIGHEST, DIGITS)
    for bucket, count in latencies.counts.items():
        histogram.record_value(latencies.compute_upper_bound(bucket), count)
    return str(histogram.encode(), "ascii")


def decode_histogram(text: str) -> LatencyHistogram:
    """Decode an HdrHistogram. Raises ValueError if the text is invalid or has another precision or range."""
    latencies = LatencyHistogram()
    try:
        histogram = HdrHistogram.decode(text)
    except Exception as error:  # zlib, base64, ctypes and the library raise various exceptions
        raise ValueError(f"not a valid HdrHistogram: {type(error).__name__}") from None
    if histogram.significant_figures != DIGITS or histogram.highest_trackable_value != latencies.HIGHEST:
        raise ValueError(f"expected an HdrHistogram with {DIGITS} significant digits up to {latencies.HIGHEST}")
    for item in histogram.get_recorded_iterator():
        latencies.counts[latencies.find_bucket(item.value_iterated_to)] = item.count_at_value_iterated_to
    return latencies


@dataclass(slots=True)
class Counters:
    """The counts of requests by their outcome, and their latencies.

    `latencies` are measured from the due time of a request, for requests that were due after the warm-up. They include
    right answers, wrong answers, and the waiting times of timeouts. They exclude other failures, because fast failures
    would improve the percentiles. Only an open loop has `latencies_from_send`, which are measured from the send.
    """

    sent: int = 0
    right: int = 0
    wrong: int = 0
    answered: int = 0  # requests with an answer of any kind
    measured: int = 0  # answers that arrived within the measured time
    retries: int = 0  # all sends except the first send of each request
    unsent: int = 0  # requests that were due but found no free connection
    failures: Counter[str] = field(default_factory=Counter)  # maps a kind of failure to its number of requests
    retried: Counter[str] = field(default_factory=Counter)  # maps a kind of failure to its number of retries
    examples: dict[str, str] = field(default_factory=dict)  # one message for each kind of failure
    wrongs: list[WrongAnswer] = field(default_factory=list)  # at most WRONG_KEPT wrong answers
    latencies: LatencyHistogram = field(default_factory=LatencyHistogram)
    latencies_from_send: LatencyHistogram = field(default_factory=LatencyHistogram)
    cpu: float = 0.0  # seconds of CPU time
    lost: int = 0  # log lines that could not be written
    last: float = 0.0  # seconds from the start of the run to the last measured answer

    @property
    def failed(self) -> int:
        """The number of requests that ended with a failure, which is neither a right nor a wrong answer."""
        return self.failures.total()

    @property
    def done(self) -> int:
        """The number of requests with a known outcome."""
        return self.right + self.wrong + self.failed

    @property
    def unanswered(self) -> int:
        """The number of requests that were sent but have no known outcome."""
        return self.sent - self.done

    @property
    def due(self) -> int:
        """The number of requests that were due, including unsent requests."""
        return self.sent + self.unsent

    @property
    def errors(self) -> int:
        """The number of due requests without a right answer."""
        return self.due - self.right

    def count_errors(self, kind: str) -> int:
        """Return the number of wrong answers if `kind` is "wrong", else the number of failures of this kind."""
        return self.wrong if kind == "wrong" else self.failures[kind]

    def add(self, other: "Counters") -> None:
        """Add the counts of `other`. Keep the WRONG_KEPT wrong answers with the lowest request numbers."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.lost += other.lost
        self.last = max(self.last, other.last)
        self.failures.update(other.failures)
        self.retried.update(other.retried)
        self.examples = other.examples | self.examples
        self.wrongs = sorted([*self.wrongs, *other.wrongs])[:WRONG_KEPT]
        self.latencies.merge(other.latencies)
        self.latencies_from_send.merge(other.latencies_from_send)


@dataclass(frozen=True, slots=True)
class SenderReport:
    """A sender's counts in an interval. `elapsed` is the number of seconds from the start of the run to the report."""

    interval: int  # number of the interval
    elapsed: float
    in_flight: int
    counters: Counters


class CoordinatorPipe:
    """A sender's end of the pipe to the coordinator. `begin` is the start time of the run on `clock`."""

    def __init__(
        self, pipe: Connection, begin: float, log: LogFile, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._pipe, self._begin, self._log, self._clock = pipe, begin, log, clock
        self._interval = 0
        self._cpu, self._lost = time.process_time(), 0
        self.next_report = begin + REPORT_INTERVAL

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the coordinator stops the run or exits."""
        return self._pipe.fileno()

    def is_stop_requested(self) -> bool:
        """Return whether the coordinator has stopped the run. Raises EOFError if the coordinator has exited."""
        return self._pipe.poll() and bool(self._pipe.recv())

    def report(self, counters: Counters, in_flight: int) -> None:
        """Send the coordinator the counts since the last report."""
        cpu, lost = time.process_time(), self._log.lost
        counters.cpu, self._cpu = cpu - self._cpu, cpu
        counters.lost, self._lost = lost - self._lost, lost
        elapsed = self._clock() - self._begin
        self._pipe.send(SenderReport(self._interval, elapsed, in_flight, counters))
        self._interval = max(self._interval + 1, int(elapsed / REPORT_INTERVAL))
        self.next_report = self._begin + (self._interval + 1) * REPORT_INTERVAL

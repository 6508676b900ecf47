"""What a flood is told to do, and the share of each of its processes."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from .arrivals import ClosedLoop, OpenLoop, Pace, constant_arrivals, poisson_arrivals

REQUESTS_A_PROCESS = 5000  # fewer are not worth a process more


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of a flood; times are in seconds, `rate` in requests a second over all processes.

    Without `rate` it is a closed loop: each connection sends when it has its answer. It ends after `requests`, or after
    `duration` (ramp-up and warm-up included), whichever is given. Answers are checked from the begin on, figures are
    made of the time after both: of what was due then, the latencies; of what was answered then, the throughput.
    """

    threads: int  # connections
    processes: int
    requests: int | None
    duration: float | None
    rate: float | None
    arrivals: str  # constant or poisson
    ramp_up: float
    warm_up: float
    retries: int
    seed: int | None

    @property
    def is_open(self) -> bool:
        """Whether requests arrive on schedule."""
        return self.rate is not None

    @property
    def length(self) -> float:
        """The duration, infinite when only the number of requests is given."""
        return math.inf if self.duration is None else self.duration

    @property
    def measured_from(self) -> float:
        """How long after the begin figures are made: first the load grows, then the service gets warm under it."""
        return self.ramp_up + self.warm_up

    def window(self, begin: float) -> "Window":
        """The time of which figures are made, on a clock that says `begin` at the start of all processes."""
        return Window(begin, begin + self.measured_from, begin + self.length)

    def requests_known(self) -> float:
        """How many requests there will be at most; infinite when nobody knows."""
        if self.requests is not None:
            return self.requests
        return self.length * self.rate if self.rate is not None else math.inf

    def share(self, process: int) -> "Share":
        """What the process of that number, from 0 on, has to do."""
        return Share(self, process)


@dataclass(frozen=True, slots=True)
class Window:
    """The time of which figures are made, from `start` to `end`, and the `begin` of the run, all on the same clock."""

    begin: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a plan that one process does: every so many-th number and connection."""

    plan: Plan
    process: int

    def numbers(self) -> Iterator[int]:
        """The numbers of its requests, rising."""
        if self.plan.requests is None:
            return itertools.count(self.process, self.plan.processes)
        return iter(range(self.process, self.plan.requests, self.plan.processes))

    def pace(self, begin: float) -> Pace:
        """When its requests are due, on a clock that says `begin` at the start of all processes."""
        plan, end = self.plan, begin + self.plan.length
        if plan.rate is None:
            return ClosedLoop(self.numbers(), end)
        if plan.arrivals == "constant":
            return OpenLoop(constant_arrivals(self.numbers(), plan.rate, plan.ramp_up, begin), end)
        seed = None if plan.seed is None else (plan.seed, self.process)
        arrivals = poisson_arrivals(self.numbers(), plan.rate, plan.ramp_up, begin, plan.processes, seed)
        return OpenLoop(arrivals, end)

    def starts(self, begin: float) -> list[float]:
        """When each of its connections begins to send: one after the other during the ramp-up of a closed loop."""
        plan = self.plan
        ramp_up = 0.0 if plan.is_open else plan.ramp_up
        return [begin + ramp_up * n / plan.threads for n in range(self.process, plan.threads, plan.processes)]


def processes_for(threads: int, requests: int | None, cores: int) -> int:
    """How many processes a flood gets when nobody says: one a core, fewer when there is little to do."""
    enough = cores if requests is None else math.ceil(requests / REQUESTS_A_PROCESS)
    return max(1, min(threads, cores, enough))

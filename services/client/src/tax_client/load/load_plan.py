"""The plan of a load run, and the share of the plan that each sender process sends."""

import itertools
import math
import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tax_client.user_errors import UserError

from .arrival_schedule import Arrivals, ClosedLoop, OpenLoop, schedule_constant, schedule_poisson

DEFAULT_REQUESTS = 1000
REQUESTS_PER_PROCESS = 5000  # a run has one process per 5000 requests by default, up to the number of cores
CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of a load run. Times are in seconds. All processes together send `rate` requests per second.

    Without `rate`, the loop is closed: each connection sends the next request as soon as the previous answer arrives.
    The run ends after `requests` requests or after `duration`, whichever comes first. `duration` includes the ramp-up
    and the warm-up. Latencies exclude requests that were due before the end of the warm-up. The throughput excludes
    answers that arrived before the end of the warm-up.
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
        """Whether requests are due on a schedule."""
        return self.rate is not None

    @property
    def length(self) -> float:
        """The duration, or infinity if only the number of requests limits the run."""
        return math.inf if self.duration is None else self.duration

    @property
    def measured_from(self) -> float:
        """The seconds from the start of the run to the end of the warm-up, when the measured time starts."""
        return self.ramp_up + self.warm_up

    @property
    def max_requests(self) -> float:
        """The maximum number of requests, or infinity if the options set no maximum."""
        if self.requests is not None:
            return self.requests
        return self.length * self.rate if self.rate is not None else math.inf

    def build_window(self, begin: float) -> "Window":
        """Build the window of the measured time. `begin` is the clock time at the start of the run."""
        return Window(begin, begin + self.measured_from, begin + self.length)

    def build_share(self, process: int) -> "Share":
        """Build the share of the process with the number `process`. The numbers start at 0."""
        return Share(self, process)


@dataclass(frozen=True, slots=True)
class Window:
    """The measured time from `start` to `end`, and the start `begin` of the run. All times come from the same clock."""

    begin: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Share:
    """The share of one process in a plan. With n processes, it consists of every n-th request and connection."""

    plan: Plan
    process: int

    def generate_numbers(self) -> Iterator[int]:
        """Yield the numbers of the share's requests in ascending order."""
        if self.plan.requests is None:
            return itertools.count(self.process, self.plan.processes)
        return iter(range(self.process, self.plan.requests, self.plan.processes))

    def build_arrivals(self, begin: float) -> Arrivals:
        """Build the arrivals of the share's requests. `begin` is the clock time at the start of the run."""
        plan, numbers, end = self.plan, self.generate_numbers(), begin + self.plan.length
        if plan.rate is None:
            return ClosedLoop(numbers, end)
        if plan.arrivals == "constant":
            return OpenLoop(schedule_constant(numbers, plan.rate, plan.ramp_up, begin), end)
        seed = None if plan.seed is None else (plan.seed, self.process)
        return OpenLoop(schedule_poisson(numbers, plan.rate, plan.ramp_up, begin, plan.processes, seed), end)

    def compute_start_times(self, begin: float) -> list[float]:
        """Compute the start time of each connection. In a closed loop, starts are spread over the ramp-up."""
        plan = self.plan
        ramp_up = 0.0 if plan.is_open else plan.ramp_up
        return [begin + ramp_up * n / plan.threads for n in range(self.process, plan.threads, plan.processes)]


def build_plan(options: Namespace) -> Plan:
    """Build a plan from the options of a command line. Raises UserError if the options contradict each other."""
    requests: int | None = options.requests
    if requests is None and options.duration is None:
        requests = DEFAULT_REQUESTS
    if options.duration is not None and options.ramp_up + options.warm_up >= options.duration:
        raise UserError("--duration: expected more seconds than --ramp-up and --warm-up together: raise --duration")
    threads = min(options.threads, requests) if requests is not None else options.threads
    return Plan(
        threads=threads,
        processes=min(options.processes or choose_processes(threads, requests, max(1, int(count_cores()))), threads),
        requests=requests,
        duration=options.duration,
        rate=options.rate,
        arrivals=options.arrivals,
        ramp_up=options.ramp_up,
        warm_up=options.warm_up,
        retries=options.retries,
        seed=options.seed,
    )


def choose_processes(threads: int, requests: int | None, cores: int) -> int:
    """Return the default number of processes. It is one per core, or fewer for few connections or few requests."""
    useful = cores if requests is None else math.ceil(requests / REQUESTS_PER_PROCESS)
    return max(1, min(threads, cores, useful))


def count_cores() -> float:
    """Return the number of cores that the CPU affinity and the container's CPU limit allow this process to use."""
    allowed = float(len(os.sched_getaffinity(0)))
    with suppress(OSError, ValueError):  # without a CPU limit, the file is absent or contains `max`
        quota, period = CPU_LIMIT.read_text().split()
        return min(allowed, int(quota) / int(period))
    return allowed

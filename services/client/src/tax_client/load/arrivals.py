"""Due times of requests: as soon as a connection is free (closed loop), or on a schedule (open loop)."""

import math
import random
from collections.abc import Iterator
from typing import Protocol

NEVER = math.inf
LATE_SECONDS = 0.1  # after the end, for requests that were due just before it

Arrival = tuple[int, float]  # a request that is due: its number in the run, and its due time on the run's clock


class Arrivals(Protocol):
    """Hands out requests to free connections."""

    @property
    def next_due(self) -> float:
        """The due time of the next request; NEVER when it is not known beforehand."""

    def take(self, now: float) -> Arrival | None:
        """Return a request that is due, or None."""

    def is_over(self, now: float) -> bool:
        """Return whether no further request will be due."""

    def stop(self, now: float) -> int:
        """Hand out no further request; return the number of those that are overdue."""


class ClosedLoop:
    """Each free connection gets the next number at once, until the numbers or the time are used up."""

    next_due = NEVER  # a request is due whenever a connection is free

    def __init__(self, numbers: Iterator[int], end: float) -> None:
        self._numbers, self._end = numbers, end
        self._is_over = False

    def take(self, now: float) -> Arrival | None:
        """Return the next number, due now."""
        if now < self._end and not self._is_over:
            for number in self._numbers:
                return number, now
        self._is_over = True
        return None

    def is_over(self, now: float) -> bool:
        """Return whether the numbers or the time are used up."""
        return self._is_over or now >= self._end

    def stop(self, now: float) -> int:  # noqa: ARG002 - a closed loop has nothing overdue
        """Hand out no further request; return 0."""
        self._is_over = True
        return 0


class OpenLoop:
    """Requests are due on a schedule, whether the server keeps up or not; `schedule` is in ascending order of time."""

    def __init__(self, schedule: Iterator[Arrival], end: float) -> None:
        self._schedule, self._end = schedule, end
        self._next: Arrival | None = None
        self._advance()

    @property
    def next_due(self) -> float:
        """The due time of the next request."""
        return NEVER if self._next is None else self._next[1]

    def take(self, now: float) -> Arrival | None:
        """Return the next request once it is due."""
        arrival = self._next
        if arrival is None or arrival[1] > now or self.is_over(now):
            return None
        self._advance()
        return arrival

    def is_over(self, now: float) -> bool:
        """Return whether the schedule is used up, or the time is over."""
        return self._next is None or now >= self._end + LATE_SECONDS

    def stop(self, now: float) -> int:
        """Hand out no further request; return the number of those that were due and found no connection."""
        overdue = 0
        while self._next is not None and self._next[1] <= now:
            overdue += 1
            self._advance()
        self._next = None
        return overdue

    def _advance(self) -> None:
        arrival = next(self._schedule, None)
        self._next = arrival if arrival is not None and arrival[1] < self._end else None


def schedule_constant(numbers: Iterator[int], rate: float, ramp_up: float, begin: float) -> Iterator[Arrival]:
    """Schedule requests at even distances, `rate` a second from `begin` on, after a linear ramp-up from zero."""
    return ((number, begin + compute_arrival_time(number, rate, ramp_up)) for number in numbers)


def schedule_poisson(
    numbers: Iterator[int], rate: float, ramp_up: float, begin: float, processes: int, seed: object
) -> Iterator[Arrival]:
    """Schedule requests of a Poisson process, for one of `processes` that have `rate` together.

    The same `seed` gives the same times; None gives new ones each time.
    """
    rng, arrivals = random.Random(None if seed is None else f"{seed}"), 0.0  # noqa: S311 - not for security
    for number in numbers:
        arrivals += processes * rng.expovariate(1.0)
        yield number, begin + compute_arrival_time(arrivals, rate, ramp_up)


def compute_arrival_time(arrivals: float, rate: float, ramp_up: float) -> float:
    """Return the seconds until so many requests have arrived: the rate grows evenly for `ramp_up` s, then stays."""
    in_ramp_up = rate * ramp_up / 2
    if arrivals < in_ramp_up:
        return math.sqrt(2 * arrivals * ramp_up / rate)
    return ramp_up + (arrivals - in_ramp_up) / rate

"""The due times of requests. An open loop follows a schedule. A closed loop waits until a connection is free."""

import math
import random
from collections.abc import Iterator
from typing import Protocol

NEVER = math.inf
LATE_SECONDS = 0.1  # an open loop still sends due requests for this many seconds after the end

Arrival = tuple[int, float]  # the number of a request, and the time on the run's clock at which the request is due


class Arrivals(Protocol):
    """Assigns requests to free connections."""

    @property
    def next_due(self) -> float:
        """The due time of the next request, or NEVER if no due time is known in advance."""

    def take(self, now: float) -> Arrival | None:
        """Return a due request, or None if no request is due."""

    def is_over(self, now: float) -> bool:
        """Return whether all later calls of `take` will return None."""

    def stop(self, now: float) -> int:
        """Stop assigning requests. Return the number of due requests that were not assigned."""


class ClosedLoop:
    """Immediately assigns a request to each free connection, until `numbers` is exhausted or the time is `end`."""

    next_due = NEVER  # the due times are not known in advance, because a request is due when a connection is free

    def __init__(self, numbers: Iterator[int], end: float) -> None:
        self._numbers, self._end = numbers, end
        self._is_over = False

    def take(self, now: float) -> Arrival | None:
        """Return the next request, which is due at `now`. Return None after the last request, and from `end` on."""
        if now < self._end and not self._is_over:
            for number in self._numbers:
                return number, now
        self._is_over = True
        return None

    def is_over(self, now: float) -> bool:
        """Return whether all requests have been assigned or the time has ended."""
        return self._is_over or now >= self._end

    def stop(self, now: float) -> int:  # noqa: ARG002 - only an open loop needs the time
        """Stop assigning requests. Return 0, because a due request never waits for a connection."""
        self._is_over = True
        return 0


class OpenLoop:
    """Assigns requests at scheduled times, even if the server cannot keep up. `schedule` must be sorted by time."""

    def __init__(self, schedule: Iterator[Arrival], end: float) -> None:
        self._schedule, self._end = schedule, end
        self._next: Arrival | None = None
        self._over_at = end  # without a next request, the loop is over from this time on
        self._advance()

    @property
    def next_due(self) -> float:
        """The due time of the next request, or NEVER after the last request."""
        return NEVER if self._next is None else self._next[1]

    def take(self, now: float) -> Arrival | None:
        """Return the next request if it is due. Return None if no request is due, and after the end."""
        arrival = self._next
        if arrival is None or arrival[1] > now or self.is_over(now):
            return None
        self._advance()
        return arrival

    def is_over(self, now: float) -> bool:
        """Return whether the time has ended, or no request is left.

        If later requests would be due after the end, the loop lasts until the end. The rate then covers the whole time.
        """
        return now >= (self._over_at if self._next is None else self._end + LATE_SECONDS)

    def stop(self, now: float) -> int:
        """Stop assigning requests. Return the number of requests that were due but found no free connection."""
        overdue = 0
        while self._next is not None and self._next[1] <= now:
            overdue += 1
            self._advance()
        self._next, self._over_at = None, -NEVER
        return overdue

    def _advance(self) -> None:
        arrival = next(self._schedule, None)
        self._next = arrival if arrival is not None and arrival[1] < self._end else None
        if arrival is None:
            self._over_at = -NEVER


def schedule_constant(numbers: Iterator[int], rate: float, ramp_up: float, begin: float) -> Iterator[Arrival]:
    """Schedule requests from the time `begin`. The rate grows linearly for `ramp_up` seconds, then stays at `rate`."""
    return ((number, begin + compute_arrival_time(number, rate, ramp_up)) for number in numbers)


def schedule_poisson(
    numbers: Iterator[int], rate: float, ramp_up: float, begin: float, processes: int, seed: object
) -> Iterator[Arrival]:
    """Schedule the requests of one of `processes` senders at random times, as in a Poisson process.

    All senders together send `rate` requests per second. Calls with the same `seed` give the same times, but calls with
    the seed None give different times.
    """
    rng, arrivals = random.Random(None if seed is None else f"{seed}"), 0.0  # noqa: S311 - not for security
    for number in numbers:
        arrivals += processes * rng.expovariate(1.0)
        yield number, begin + compute_arrival_time(arrivals, rate, ramp_up)


def compute_arrival_time(arrivals: float, rate: float, ramp_up: float) -> float:
    """Compute the seconds until `arrivals` requests have become due. The rate grows linearly for `ramp_up` seconds."""
    in_ramp_up = rate * ramp_up / 2
    if arrivals < in_ramp_up:
        return math.sqrt(2 * arrivals * ramp_up / rate)
    return ramp_up + (arrivals - in_ramp_up) / rate

"""When the next request is due: as soon as a connection is free (closed loop), or on schedule (open loop)."""

import math
import random
from collections.abc import Iterator
from typing import Protocol

NEVER = math.inf
LAST_SECONDS = 0.1  # after the end, for what arrived just before it


# A request to send: its number in the run, and when it was due, in seconds of the run's clock.
Ticket = tuple[int, float]


class Pace(Protocol):
    """Gives tickets to free connections."""

    def take(self, now: float) -> Ticket | None:
        """The ticket of a request that is due; None when none is."""

    def next_due(self) -> float:
        """When the next ticket will be due; NEVER when that is not known beforehand."""

    def is_over(self, now: float) -> bool:
        """Whether there will be no more ticket."""

    def stop(self, now: float) -> int:
        """Give no ticket any more; how many were due and not taken."""


class ClosedLoop:
    """A free connection always has something to send, until the numbers or the time are used up."""

    def __init__(self, numbers: Iterator[int], end: float) -> None:
        self._numbers, self._end = numbers, end
        self._over = False

    def take(self, now: float) -> Ticket | None:
        """The next number, due now."""
        if now < self._end and not self._over:
            for number in self._numbers:
                return number, now
        self._over = True
        return None

    def next_due(self) -> float:
        """Not known: whenever a connection is free."""
        return NEVER

    def is_over(self, now: float) -> bool:
        """Whether the numbers or the time are used up."""
        return self._over or now >= self._end

    def stop(self, now: float) -> int:  # noqa: ARG002 - none is overdue in a closed loop
        """Give no ticket any more; 0."""
        self._over = True
        return 0


class OpenLoop:
    """Requests that arrive on schedule, whether the server keeps up or not.

    `arrivals` are the number and the time of each, rising.
    """

    def __init__(self, arrivals: Iterator[Ticket], end: float) -> None:
        self._arrivals, self._end = arrivals, end
        self._next = self._draw()

    def take(self, now: float) -> Ticket | None:
        """The ticket whose time has come; None before it."""
        ticket = self._next
        if ticket is None or ticket[1] > now or self.is_over(now):
            return None
        self._next = self._draw()
        return ticket

    def next_due(self) -> float:
        """When the next request arrives."""
        return NEVER if self._next is None else self._next[1]

    def is_over(self, now: float) -> bool:
        """Whether all arrivals are taken, or the time is over."""
        return self._next is None or now >= self._end + LAST_SECONDS

    def stop(self, now: float) -> int:
        """Give no ticket any more; how many had arrived and not found a connection."""
        overdue = 0
        while self._next is not None and self._next[1] <= now:
            overdue, self._next = overdue + 1, self._draw()
        self._next = None
        return overdue

    def _draw(self) -> Ticket | None:
        ticket = next(self._arrivals, None)
        return ticket if ticket is not None and ticket[1] < self._end else None


def constant_arrivals(numbers: Iterator[int], rate: float, ramp_up: float, begin: float) -> Iterator[Ticket]:
    """Arrivals at even distances, `rate` a second from `begin` on, after a linear growth from none."""
    return ((number, begin + time_of(number, rate, ramp_up)) for number in numbers)


def poisson_arrivals(
    numbers: Iterator[int], rate: float, ramp_up: float, begin: float, share: int, seed: object
) -> Iterator[Ticket]:
    """Arrivals at random, each independent of the others: one of `share` processes that give `rate` together.

    The same `seed` gives the same times; None gives others each time.
    """
    rng, arrived = random.Random(None if seed is None else f"{seed}"), 0.0  # noqa: S311 - it hides nothing
    for number in numbers:
        arrived += share * rng.expovariate(1.0)
        yield number, begin + time_of(arrived, rate, ramp_up)


def time_of(arrivals: float, rate: float, ramp_up: float) -> float:
    """When so many requests have arrived, in seconds, if their rate grows evenly for `ramp_up` seconds, then stays."""
    in_ramp = rate * ramp_up / 2
    if arrivals < in_ramp:
        return math.sqrt(2 * arrivals * ramp_up / rate)
    return ramp_up + (arrivals - in_ramp) / rate

"""Exponential backoff with jitter, so that clients that failed together do not return together."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays in seconds: doubled after each attempt up to `longest`, less a random part of up to `jitter` of it."""

    first: float
    longest: float
    jitter: float = 0.5

    def compute_delay(self, attempts: int, draw: Callable[[], float] = random.random) -> float:
        """Return the seconds to wait after so many failed attempts, beside the first; `draw` gives 0 to 1."""
        delay = min(self.longest, self.first * 2.0 ** min(attempts, 30))
        return delay * (1 - self.jitter * draw())


def retry(
    action: Callable[[], T],
    timeout: float,
    backoff: Backoff,
    is_transient: Callable[[Exception], bool],
    pause: Callable[[float], None] = time.sleep,
) -> T:
    """Return the result of the action, repeated while its errors are transient and `timeout` seconds are not over.

    Raises the error of the last attempt.
    """
    deadline = time.monotonic() + timeout
    for attempts in count():
        try:
            return action()
        except Exception as error:
            if time.monotonic() >= deadline or not is_transient(error):
                raise
        pause(backoff.compute_delay(attempts))
    raise AssertionError("unreachable")

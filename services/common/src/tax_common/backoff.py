"""Exponential backoff with jitter. Due to the jitter, clients that fail simultaneously retry at different times."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays in seconds. The first delay is `first`. Each later delay is twice as long, but at most `longest`.

    Each delay is then reduced by a random fraction of at most `jitter`.
    """

    first: float
    longest: float
    jitter: float = 0.5

    def compute_delay(self, attempts: int, draw: Callable[[], float] = random.random) -> float:
        """Return the delay after a failed attempt.

        `attempts` is the number of earlier attempts. `draw` returns a random number from 0 to 1.
        """
        delay = min(self.longest, self.first * 2.0 ** min(attempts, 30))
        return delay * (1 - self.jitter * draw())


def retry(
    action: Callable[[], T],
    timeout: float,
    backoff: Backoff,
    is_transient: Callable[[Exception], bool],
    pause: Callable[[float], None] = time.sleep,
) -> T:
    """Run the action, and retry after transient errors for up to `timeout` seconds. Return the result.

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

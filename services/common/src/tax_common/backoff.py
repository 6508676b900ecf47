"""Exponential backoff with jitter, so that clients that failed together do not return together."""

import random
from collections.abc import Callable
from dataclasses import dataclass


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

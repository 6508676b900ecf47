"""The latency buckets of the counters, and percentiles of the latencies in them."""

import math
from bisect import bisect_left
from collections.abc import Sequence

# The upper bounds of the buckets in microseconds, from 10 µs to 100 s. Each bound is at most 25 % above the previous
# bound, so a percentile is at most 25 % too high. The last bucket has no upper bound.
STEPS = (100, 125, 150, 175, 200, 250, 300, 350, 400, 500, 600, 700, 800)  # hundredths of a power of ten
BOUNDS = (*(10**power * step // 100 for power in range(1, 8) for step in STEPS), 10**8)
BUCKETS = len(BOUNDS) + 1

# The upper bounds in seconds of the buckets that Prometheus receives. Each of them is also one of BOUNDS.
EXPOSED = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
EXPOSED_ENDS = tuple(BOUNDS.index(round(bound * 1e6)) + 1 for bound in EXPOSED)


def find_bucket(microseconds: int) -> int:
    """Return the index of the bucket of a latency."""
    return bisect_left(BOUNDS, microseconds)


def compute_percentile(counts: Sequence[int], share: float) -> float | None:
    """Return a nearest-rank percentile in seconds, or None if there are no latencies. `share` 0.5 means the median.

    The percentile is the upper bound of its bucket, and infinite in the last bucket.
    """
    total, seen = sum(counts), 0
    rank = max(1, math.ceil(total * share - 1e-9))  # without the subtraction, the rank for 0.999 of 1000 would be 1000
    for index, count in enumerate(counts):
        seen += count
        if seen >= rank:
            return BOUNDS[index] / 1e6 if index < len(BOUNDS) else math.inf
    return None


def accumulate_exposed(counts: Sequence[int]) -> list[int]:
    """Return the number of latencies up to each bound of EXPOSED, and their total number as the last element."""
    return [*(sum(counts[:end]) for end in EXPOSED_ENDS), sum(counts)]

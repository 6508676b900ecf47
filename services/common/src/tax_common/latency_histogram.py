"""Latency histograms with the logarithmic buckets of HdrHistogram."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence


class LatencyHistogram:
    """The number of latencies in each bucket. Statistics treat all latencies of a bucket as equal.

    Each power of two has 2 ** `precision` buckets. With a precision of 10, values keep three significant digits. With a
    precision of 2, the error is at most 25 %. Latencies are recorded in whole microseconds from 1 to `HIGHEST`.
    Statistics are in milliseconds.
    """

    HIGHEST = 3_600_000_000  # microseconds; a longer latency counts as one hour

    def __init__(self, precision: int = 10, counts: Counter[int] | None = None) -> None:
        self.precision = precision
        self.counts = Counter[int]() if counts is None else counts

    # For speed, this function replaces HdrHistogram's Python library. The function takes 0.9 µs per value, and the
    # library takes 1.8 µs. A whole request takes 16 µs.
    def find_bucket(self, microseconds: int) -> int:
        """Return the bucket of a value, which is the index into HdrHistogram's array of counts."""
        value = microseconds if 1 <= microseconds <= self.HIGHEST else min(max(microseconds, 1), self.HIGHEST)
        precision = self.precision
        shift = value.bit_length() - precision - 1
        return (shift << precision) + (value >> shift) if shift > 0 else value

    def compute_upper_bound(self, bucket: int) -> int:
        """Return the highest value of a bucket in microseconds."""
        shift = max(0, (bucket >> self.precision) - 1)
        return ((bucket - (shift << self.precision) + 1) << shift) - 1

    def record(self, microseconds: int) -> None:
        """Add a latency to the count of its bucket."""
        self.counts[self.find_bucket(microseconds)] += 1

    def merge(self, other: "LatencyHistogram") -> None:
        """Add the counts of another histogram of the same precision."""
        self.counts.update(other.counts)

    @property
    def total(self) -> int:
        """The number of recorded latencies."""
        return self.counts.total()

    @property
    def mean(self) -> float:
        """The mean latency in milliseconds, or NaN if the histogram is empty.

        Each latency counts as the upper bound of its bucket.
        """
        total = self.total
        return (
            sum(self.compute_upper_bound(bucket) * n for bucket, n in self.counts.items()) / total / 1000
            if total
            else math.nan
        )

    @property
    def max(self) -> float:
        """The highest latency in milliseconds, or NaN if the histogram is empty."""
        return self.compute_upper_bound(max(self.counts)) / 1000 if self.counts else math.nan

    def percentiles(self, percents: Sequence[float]) -> list[float]:
        """Return the nearest-rank percentiles in milliseconds, or NaN if the histogram is empty.

        `percents` must be in ascending order, above 0 and at most 100.
        """
        return [*self._walk(percents)] if self.counts else [math.nan] * len(percents)

    def _walk(self, percents: Sequence[float]) -> Iterator[float]:
        total, seen, bucket, buckets = self.total, 0, 0, iter(sorted(self.counts.items()))
        for percent in percents:
            # Subtract a possible rounding error. Otherwise the rank for 99.9 % of 1000 values would be 1000, not 999.
            rank = max(1, math.ceil(total * percent / 100 - 1e-9))
            while seen < rank:
                bucket, count = next(buckets)
                seen += count
            yield self.compute_upper_bound(bucket) / 1000

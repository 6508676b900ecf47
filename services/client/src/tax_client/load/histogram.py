"""Latencies, counted as HdrHistogram counts: three significant digits from a microsecond to an hour.

A place is an index into HdrHistogram's array of counts; all values of a place count as equal.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Self

from hdrh.histogram import HdrHistogram

HIGHEST = 3_600_000_000  # microseconds: what lasts longer counts as an hour
DIGITS = 3
HALF_BITS = 10  # a power of two has 2 ** 10 places above the first 2 ** 11, which are a microsecond each


# The library counts as well, but a value takes it 1.8 µs instead of 0.9 µs, of the 16 µs that a request costs in all.
def place_of(microseconds: int) -> int:
    """Where a value is counted."""
    shift = max(0, microseconds.bit_length() - HALF_BITS - 1)
    return (shift << HALF_BITS) + (microseconds >> shift)


def value_at(place: int) -> int:
    """The highest value, in microseconds, that is counted at a place."""
    shift = max(0, (place >> HALF_BITS) - 1)
    return ((place - (shift << HALF_BITS) + 1) << shift) - 1


class Latencies:
    """How many answers took how long. Values are in microseconds, those that are told in milliseconds."""

    def __init__(self, counts: Counter[int] | None = None) -> None:
        self.counts = Counter[int]() if counts is None else counts

    @classmethod
    def of(cls, microseconds: Iterable[int]) -> Self:
        """The counts of values, each from 1 to HIGHEST (beyond: the nearest of both)."""
        return cls(Counter(place_of(min(max(value, 1), HIGHEST)) for value in microseconds))

    def add(self, other: "Latencies") -> None:
        """Count what the other counts, too."""
        self.counts.update(other.counts)

    @property
    def total(self) -> int:
        """How many values there are."""
        return self.counts.total()

    @property
    def mean(self) -> float:
        """The mean in milliseconds, of the highest values of their places; 0 of no value."""
        total = self.total
        return sum(value_at(place) * n for place, n in self.counts.items()) / total / 1000 if total else 0.0

    @property
    def max(self) -> float:
        """The highest value in milliseconds; 0 of no value."""
        return value_at(max(self.counts)) / 1000 if self.counts else 0.0

    def percentiles(self, percents: Sequence[float]) -> list[float]:
        """Of each percent (rising, above 0, at most 100) the nearest-rank percentile in milliseconds; 0 of no value."""
        if not self.counts:
            return [0.0] * len(percents)
        total, below, places = self.total, 0, iter(sorted(self.counts.items()))
        found: list[float] = []
        place = 0
        for percent in percents:
            rank = max(1, math.ceil(total * percent / 100 - 1e-9))  # 99.9 % of 1000 are 999, whatever binary says
            while below < rank:
                place, count = next(places)
                below += count
            found.append(value_at(place) / 1000)
        return found

    def encode(self) -> str:
        """HdrHistogram's compressed form (V2, base64), which its tools of all languages read."""
        histogram = HdrHistogram(1, HIGHEST, DIGITS)
        for place, count in self.counts.items():
            histogram.record_value(value_at(place), count)
        return str(histogram.encode(), "ascii")

    @classmethod
    def decode(cls, text: str) -> Self:
        """The counts of an encoded histogram. Raises ValueError when it is none, or of another precision."""
        try:
            histogram = HdrHistogram.decode(text)
        except Exception as error:  # of zlib, base64, ctypes, or its own: the text is no histogram
            raise ValueError(f"no HdrHistogram: {type(error).__name__}") from None
        if histogram.significant_figures != DIGITS or histogram.highest_trackable_value != HIGHEST:
            raise ValueError("an HdrHistogram of another precision")
        items = histogram.get_recorded_iterator()
        return cls(Counter({place_of(item.value_iterated_to): item.count_at_value_iterated_to for item in items}))

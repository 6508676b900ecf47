"""Tests of latency histograms: precision, percentiles, and the encoding that HdrHistogram's tools read."""

import math

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from tax_client.load.outcome_counters import count_latencies, decode_histogram, encode_histogram
from tax_common.latency_histogram import LatencyHistogram
from tests.support.budget import budget

HIGHEST = LatencyHistogram.HIGHEST
EMPTY = LatencyHistogram()
values = st.lists(st.integers(1, HIGHEST), min_size=1, max_size=200)


@given(st.integers(1, HIGHEST))
def test_a_value_is_counted_within_a_thousandth(value: int) -> None:
    """The upper bound of a bucket exceeds any value in the bucket by at most 0.1 %."""
    assert 0 <= EMPTY.compute_upper_bound(EMPTY.find_bucket(value)) - value <= value / 1000


@given(values, st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_covers_it(found: list[int], percent: int) -> None:
    """A percentile is the upper bound of the bucket that contains the nearest-rank value."""
    rank = max(1, -(-len(found) * percent // 100))
    (actual,) = count_latencies(found).percentiles([percent])
    assert EMPTY.compute_upper_bound(EMPTY.find_bucket(sorted(found)[rank - 1])) / 1000 == actual


@settings(max_examples=budget(5, 50))  # decoding with the library is slow
@given(values)
def test_library_and_decoder_read_an_encoded_histogram(found: list[int]) -> None:
    """The HdrHistogram library and our decoder return the counts that were encoded."""
    latencies = count_latencies(found)
    text = encode_histogram(latencies)
    assert text is not None
    assert latencies.counts == decode_histogram(text).counts
    theirs = HdrHistogram.decode(text)
    assert len(found) == theirs.get_total_count()
    assert round(latencies.max * 1000) == theirs.get_value_at_percentile(100)


def test_statistics_of_known_latencies() -> None:
    """For latencies from 1 to 100 ms, percentiles, mean and maximum are precise to 0.1 %."""
    latencies = count_latencies(range(1000, 100_001, 1000))
    assert [50.0, 95.0, 99.0, 100.0] == pytest.approx(latencies.percentiles([50, 95, 99, 100]), rel=1e-3)
    assert 50.5 == pytest.approx(latencies.mean, rel=1e-3)
    assert 100 == pytest.approx(latencies.max, rel=1e-3)


def test_statistics_without_latencies_are_no_numbers() -> None:
    """An empty histogram returns NaN for each statistic and None as its encoding."""
    assert all(map(math.isnan, [*EMPTY.percentiles([50, 99]), EMPTY.mean, EMPTY.max]))
    assert 0 == EMPTY.total
    assert encode_histogram(EMPTY) is None


def test_values_out_of_range_count_at_its_limits() -> None:
    """A latency of 0 counts as 1 µs, and a latency of more than an hour counts as an hour."""
    latencies = count_latencies([0, 10 * HIGHEST])
    assert 2 == latencies.total
    assert HIGHEST / 1000 == pytest.approx(latencies.max, rel=1e-3)


@pytest.mark.parametrize("text", ["", "nonsense", "HISTFAAAAA==", HdrHistogram(1, 1000, 2).encode().decode()])
def test_other_texts_are_rejected(text: str) -> None:
    """The decoder raises ValueError if a text is not an encoded histogram or has another precision."""
    with pytest.raises(ValueError, match="HdrHistogram"):
        decode_histogram(text)

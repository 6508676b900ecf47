"""Latencies: counted within a thousandth, their percentiles, and the histogram that others read."""

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from tax_client.load.histogram import HIGHEST, Latencies, place_of, value_at
from tests.support.budget import budget

values = st.lists(st.integers(1, HIGHEST), min_size=1, max_size=200)


@given(st.integers(1, HIGHEST))
def test_a_value_is_counted_within_a_thousandth_of_itself(value: int) -> None:
    """The highest value of a place is at or above what is counted there, by less than a thousandth."""
    assert 0 <= value_at(place_of(value)) - value <= value / 1000


@given(values, st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_covers_it(found: list[int], percent: int) -> None:
    """It is the nearest-rank percentile of the values, as exact as values are counted."""
    rank = max(1, -(-len(found) * percent // 100))
    (actual,) = Latencies.of(found).percentiles([percent])
    assert value_at(place_of(sorted(found)[rank - 1])) / 1000 == actual


@settings(max_examples=budget(5, 50))  # their reader takes its time
@given(values)
def test_an_encoded_histogram_is_read_by_others_and_by_us(found: list[int]) -> None:
    """What is encoded has the same counts when HdrHistogram's own reader decodes it, and when we do."""
    latencies = Latencies.of(found)
    text = latencies.encode()
    assert latencies.counts == Latencies.decode(text).counts
    theirs = HdrHistogram.decode(text)
    assert len(found) == theirs.get_total_count()
    assert round(latencies.max * 1000) == theirs.get_value_at_percentile(100)


def test_known_figures() -> None:
    """Over 1 to 100 ms the percentiles are the values themselves; so are mean and maximum, to a thousandth."""
    latencies = Latencies.of(range(1000, 100_001, 1000))
    assert [50.0, 95.0, 99.0, 100.0] == pytest.approx(latencies.percentiles([50, 95, 99, 100]), rel=1e-3)
    assert 50.5 == pytest.approx(latencies.mean, rel=1e-3)
    assert 100 == pytest.approx(latencies.max, rel=1e-3)


def test_of_no_value_all_figures_are_zero() -> None:
    """Where there is no answer there is no figure, and no error either."""
    nothing = Latencies()
    assert ([0.0, 0.0], 0.0, 0.0, 0) == (nothing.percentiles([50, 99]), nothing.mean, nothing.max, nothing.total)


def test_values_out_of_range_count_at_its_edges() -> None:
    """0 counts as a microsecond, days as an hour."""
    latencies = Latencies.of([0, 10 * HIGHEST])
    assert 2 == latencies.total
    assert HIGHEST / 1000 == pytest.approx(latencies.max, rel=1e-3)


@pytest.mark.parametrize("text", ["", "nonsense", "HISTFAAAAA==", HdrHistogram(1, 1000, 2).encode().decode()])
def test_what_is_no_such_histogram_is_refused(text: str) -> None:
    """Text that is no HdrHistogram, or one of another precision, is an error."""
    with pytest.raises(ValueError, match="HdrHistogram"):
        Latencies.decode(text)

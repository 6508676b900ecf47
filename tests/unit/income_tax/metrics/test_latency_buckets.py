"""The buckets of the latencies."""

import math

import pytest

from income_tax.metrics import latency_buckets as buckets


def count(latencies: list[float]) -> list[int]:
    """Return the number of the latencies (in seconds) in each bucket."""
    counts = [0] * buckets.BUCKETS
    for latency in latencies:
        counts[buckets.find_bucket(round(latency * 1e6))] += 1
    return counts


@pytest.mark.parametrize("scale", [0.00005, 0.001, 0.02])
def test_percentiles_exceed_exact_values_by_at_most_a_quarter(scale: float) -> None:
    """A percentile is at least the exact percentile, and exceeds it by at most a quarter."""
    counts = count([n * scale for n in range(1, 1001)])
    for share in (0.5, 0.95, 0.99, 0.999, 1):
        found = buckets.compute_percentile(counts, share)
        assert found is not None
        assert 1000 * share * scale <= found <= 1000 * share * scale * 1.25


def test_latencies_without_bound() -> None:
    """A latency above the last bound has an infinite percentile. Without latencies there is no percentile."""
    assert math.inf == buckets.compute_percentile(count([1000]), 0.5)
    assert buckets.compute_percentile(count([]), 0.5) is None


def test_exposed_buckets_are_exact() -> None:
    """An exposed bucket counts exactly the latencies up to its bound, in seconds."""
    latencies = [bound + change for bound in buckets.EXPOSED for change in (-1e-6, 0, 1e-6)]
    expected = [sum(latency <= bound + 1e-9 for latency in latencies) for bound in buckets.EXPOSED]
    assert [*expected, len(latencies)] == buckets.accumulate_exposed(count(latencies))

"""Functions that build the families of the metrics. Every name begins with `income_tax_`."""

from collections.abc import Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

PREFIX = "income_tax_"


def build_counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    """Build a counter with labels and without values. Its name gets the suffix `_total`."""
    return CounterMetricFamily(PREFIX + name, text, labels=labels)


def build_count(name: str, text: str, value: int) -> CounterMetricFamily:
    """Build a counter without labels."""
    return CounterMetricFamily(PREFIX + name, text, value=value)


def build_gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    """Build a gauge without labels."""
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def build_labelled_gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    """Build a gauge with labels and without values."""
    return GaugeMetricFamily(PREFIX + name, text, labels=labels)


def build_histogram(name: str, text: str, *labels: str) -> HistogramMetricFamily:
    """Build a histogram with labels and without values."""
    return HistogramMetricFamily(PREFIX + name, text, labels=labels)


def name_buckets(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Pair the cumulative counts with the upper bounds of their buckets. The last bucket has no upper bound."""
    return [*zip([*map(str, bounds), "+Inf"], counts, strict=True)]

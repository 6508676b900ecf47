"""Read metrics in the text format of Prometheus."""

import re
import urllib.request
from collections.abc import Mapping

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

Sample = tuple[str, frozenset[tuple[str, str]]]  # the name and the labels


class Metrics:
    """The samples of a scrape, or the sums of several scrapes."""

    def __init__(self, *texts: str) -> None:
        self.families: dict[str, Metric] = {}
        self.samples: dict[Sample, float] = {}
        for text in texts:
            for family in text_string_to_metric_families(text):
                self.families[family.name] = family
                for sample in family.samples:
                    key = sample.name, frozenset(sample.labels.items())
                    self.samples[key] = self.samples.get(key, 0) + sample.value

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of all samples of `income_tax_{name}` that have these labels."""
        wanted = frozenset(labels.items())
        return sum(
            value for (one, found), value in self.samples.items() if one == f"income_tax_{name}" and wanted <= found
        )

    def group(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """Return the sums of the samples above zero for each value of a label."""
        values = {
            dict(found)[label] for one, found in self.samples if one == f"income_tax_{name}" and label in dict(found)
        }
        sums = {value: self.sum(name, **{label: value}, **labels) for value in values}
        return {value: count for value, count in sums.items() if count}

    def find_falls(self, earlier: "Metrics") -> Mapping[Sample, tuple[float, float]]:
        """Return the counters that are lower than in an earlier scrape, or missing."""
        counters = re.compile(r".*(_total|_count|_sum|_bucket)")
        pairs = {key: (value, self.samples.get(key, 0)) for key, value in earlier.samples.items()}
        return {key: pair for key, pair in pairs.items() if counters.fullmatch(key[0]) and pair[1] < pair[0]}


def scrape(port: int) -> Metrics:
    """Read the metrics at a port of 127.0.0.1. Raises OSError if nothing answers there."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as response:
        return Metrics(response.read().decode())

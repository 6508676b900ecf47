"""The document of the metrics."""

import re

from prometheus_client.registry import Collector

from income_tax.metrics.counter_collector import CounterCollector
from income_tax.metrics.state_collector import ReplicaState, StateCollector
from tests.support.data import ROOT
from tests.support.fakes import build_counters
from tests.unit.income_tax.metrics.test_collectors import STATE


def list_names(collector: Collector) -> set[str]:
    """Return the names of the metrics as Prometheus stores them, without the suffixes of histograms."""
    suffixes = {"counter": "_total", "info": "_info"}
    return {metric.name + suffixes.get(metric.type, "") for metric in collector.collect()}


def test_every_metric_is_documented() -> None:
    """docs/reference/metrics.md lists exactly the metrics of the API."""
    collectors = (CounterCollector(build_counters(), 8), StateCollector(lambda: ReplicaState(**STATE)))
    names = {name for collector in collectors for name in list_names(collector)}
    text = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    assert names == set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))

"""Helpers that run the command `flood` and read its report."""

import json
from typing import Any

from tax_client.load.outcome_counters import decode_histogram
from tests.integration.tax_client.conftest import Place


def run_flood(place: Place, url: str, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the command `flood`, and return its exit code and its JSON report."""
    report = place.folder / "report.json"
    code = place.run("flood", url, "--json", str(report), *options)
    return code, json.loads(report.read_text())


def count_slow(encoded: str) -> int:
    """Count the latencies of 0.5 s or more in an encoded histogram."""
    latencies = decode_histogram(encoded)
    return sum(n for bucket, n in latencies.counts.items() if latencies.compute_upper_bound(bucket) >= 500_000)

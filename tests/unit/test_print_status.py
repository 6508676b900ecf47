"""The text that `make status` prints."""

from dataclasses import replace

from income_tax.http.pages.status_json import describe_status
from tests.support.data import schedules
from tests.unit.income_tax.monitoring.test_service_status import bucket_of, overview, worker
from tools.print_status import format_status


def test_the_text_contains_the_facts() -> None:
    """The text contains each problem, the replicas and mails, and a line of figures for each time window."""
    status = replace(overview(worker(), pending=4, history={9990: bucket_of(5, 2)}), expected_replicas=2)
    lines = format_status(describe_status(status, schedules())).splitlines()
    assert ["Not all is well:", *(f"  - {problem}" for problem in status.problems)] == lines[:4]
    assert "replicas: 1 of 2, workers: 1" in lines
    assert "alert messages: 4 pending, 3 sent, 1 refused" in lines
    assert ["1", "min", "2", "0", "2", "0.0", "1.0", "ms", "1.0", "ms", "1.0", "ms"] == lines[-4].split()
    assert ["60", "min"] == lines[-1].split()[:2]


def test_unknown_facts_are_named() -> None:
    """A healthy service without requests has no figures, and an unreadable volume is unknown."""
    text = format_status(describe_status(overview(worker()), schedules()))
    assert text.startswith("All is well\n")
    assert ["1", "min", "0", "0", "0", "0.0", "-", "-", "-"] == text.splitlines()[-4].split()
    nothing = replace(overview(room=None), alerts={})
    assert "volume of the logs: unknown" in format_status(describe_status(nothing, schedules()))
    assert "alert messages: ? pending, ? sent, ? refused" in format_status(describe_status(nothing, schedules()))

"""Tests of the verdict on a run: failures that no threshold can allow, and warnings."""

import signal

import pytest

from tax_client.load.html_report.page import build_page
from tax_client.load.run_results import Run
from tax_client.load.run_verdict import describe_verdict, list_failures
from tax_client.load.summary_and_comparison import summarize
from tax_client.load.thresholds import has_failed
from tests.unit.tax_client.load.example_runs import build_counters, build_run


def build_idle_run(length: float | None = 3.0, interrupted_by: int = 0, unsent: int = 0) -> Run:
    """Build a run that sent no request."""
    run = build_run(build_counters(range(0), unsent=unsent))
    run.length, run.interrupted_by = length, interrupted_by
    return run


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (
            build_idle_run(),
            "none was due in the 3 s of --duration: raise --duration or --rate, or use --arrivals constant",
        ),
        (build_idle_run(unsent=2), "no connection was free in time: raise --duration or --threads"),
        (build_idle_run(interrupted_by=signal.SIGINT), "no request was sent before the run was interrupted or failed"),
    ],
    ids=["none due", "unsent", "interrupted"],
)
def test_a_run_without_requests_names_the_reason(run: Run, reason: str) -> None:
    """A run that sent no request fails, and its summary and page contain the reason and the remedy."""
    assert has_failed(run, [])
    assert reason in summarize(run)
    assert reason in build_page(run)


def test_a_run_that_ends_in_its_warm_up_fails() -> None:
    """A run whose requests were all due in the warm-up fails, and its summary names the options to change."""
    run = build_run(build_counters(range(0), sent=4, right=4, answered=4, measured=0), measured_from=5.0)
    assert has_failed(run, [])
    text = summarize(run)
    for line in (
        "throughput  no answer",
        "latency     no answer",
        "raise --duration or --requests, or lower --ramp-up",
    ):
        assert line in text
    assert "no latency was measured" == describe_verdict(run)


def test_a_run_with_right_answers_has_no_failure() -> None:
    """A run with measured right answers has no failure, even if some requests failed."""
    assert [] == list_failures(build_run(build_counters(sent=6)))

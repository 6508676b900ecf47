"""Tests of thresholds and of the verdict on a run."""

import re

import pytest

from tax_client.load.html_report.page import build_page
from tax_client.load.thresholds import has_failed, parse_threshold
from tests.unit.tax_client.load.example_runs import build_counters, build_run, build_troubled_run


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("p99>200ms", False),
        ("p99>3.9ms", True),
        ("P99 > .0039 S", True),
        ("ERRORS>.1%", True),
        ("p50 <= 2100us", True),
        ("max>=0.1s", False),
        ("mean<1s", True),
        ("errors>0", True),
        ("errors>50%", False),
        ("errors>=50 %", True),
        ("wrong>0", True),
        ("failed>1", False),
        ("retries>0", False),
        ("rate<8.1", True),
        ("rate<8/s", False),
        ("unsent>0", False),
    ],
)
def test_thresholds_fail_a_run(text: str, met: bool) -> None:
    """A threshold compares a value of a run with a limit. The value is a latency, a count, a percentage or the rate."""
    assert met is parse_threshold(text).is_met(build_troubled_run())


@pytest.mark.parametrize(
    ("texts", "fails"),
    [
        ("", True),
        ("p99>200ms", True),
        ("errors>50%", False),
        ("errors>1%", True),
        ("wrong>1", True),
        ("wrong>1 failed>1", True),
        ("wrong>1 failed>1 unsent>2", False),
        ("wrong>1 failed>0 unsent>2", True),
        ("errors>50% failed>0", True),
        ("errors>50% p99>1ms", True),
    ],
)
def test_a_threshold_covers_its_kind_of_errors(texts: str, fails: bool) -> None:
    """A run with wrong, failed or unsent requests fails unless the thresholds allow these requests."""
    bad = build_counters(sent=6, wrong=1, unsent=2)
    bad.failures["timeout"] = 1
    assert fails is has_failed(build_run(bad), [parse_threshold(text) for text in texts.split()])


def test_thresholds_do_not_cover_failures_of_the_client() -> None:
    """A run that sent no request or lost a process fails, whatever thresholds are given."""
    allowed = [parse_threshold("errors>100%")]
    killed = build_run(build_counters())
    assert not has_failed(killed, allowed)
    killed.ended_badly = ["process 0 was ended by SIGKILL"]
    assert has_failed(killed, allowed)
    assert has_failed(build_run(), allowed)


@pytest.mark.parametrize(
    "text",
    ["p99>200", "p0>1ms", "p99=2ms", "foo>1", "errors>1ms", "rate>5%", "p99>-1ms", "", "p99>", "errors==0", "errors>."],
)
def test_other_texts_are_rejected(text: str) -> None:
    """The error about an invalid threshold states the expected form and quotes the threshold."""
    known = r"\(>, >=, < or <=\) and a limit: p50, .* mean or max .* errors, wrong, failed, unsent or retries .* rate "
    with pytest.raises(ValueError, match=rf"expected a measurement, a comparison {known}.*found \[{re.escape(text)}\]"):
        parse_threshold(text)


@pytest.mark.parametrize("kind", ["connection refused", "status 401"])
def test_no_threshold_allows_a_run_without_a_right_answer(kind: str) -> None:
    """A run without one right answer fails even if thresholds allow all of its errors."""
    run = build_run(build_counters(range(0), sent=20))
    run.total.failures[kind] = 20
    for allowed in ("errors>100%", "failed>100"):
        assert has_failed(run, [parse_threshold(allowed)])
    wrong = build_run(build_counters(right=0, wrong=4))
    assert has_failed(wrong, [parse_threshold("wrong>100%")])


@pytest.mark.parametrize("text", ["p50>1s", "p99.9<1us", "mean>1ms", "max<1s", "rate<1", "errors>1%", "unsent<1%"])
def test_a_threshold_without_answers_fails_as_no_answer(text: str) -> None:
    """A threshold on a latency, a rate or a percentage fails a run without requests. Its line contains "no answer"."""
    threshold = parse_threshold(text)
    assert threshold.is_met(build_run())
    assert f"{text}: failed, no answer" == threshold.format_verdict(build_run())


def test_a_run_without_requests_fails_every_limit_of_latency_and_rate() -> None:
    """A run without requests fails each latency or rate limit. A run with only timeouts still fails each rate limit."""
    run = build_run()
    assert "no request was sent" in build_page(run)
    assert parse_threshold("p99>200ms").is_met(run)
    assert parse_threshold("rate<1").is_met(run)
    late = build_run(build_counters(right=0, answered=0, measured=0))
    assert not parse_threshold("p99>200ms").is_met(late)
    assert parse_threshold("rate>0").is_met(late)

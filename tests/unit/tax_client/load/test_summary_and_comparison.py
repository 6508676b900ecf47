"""Tests of the text summary of a run and of the comparison of two runs."""

import math
import re

from tax_client.load.summary_and_comparison import compare_runs, format_duration, summarize
from tests.unit.tax_client.load.example_runs import build_counters, build_run, build_troubled_run


def test_the_summary_gives_counts_throughput_latencies_and_errors() -> None:
    """The summary shows counts, throughput, latencies and errors, and escapes control characters."""
    run = build_troubled_run()
    run.total.cpu = 0.25
    assert [
        "requests    6 sent, 3 right, 1 wrong, 1 failed, 1 unanswered",
        "throughput  8.0 answers/s over 0.50 s",
        "latency     p50 2.0 ms  p95 4.0 ms  p99 4.0 ms  max 4.0 ms",
        "client      50% of 1 core(s)",
        "errors      1 timeout",
        "example     timeout: expected <an> answer",
        "wrong       request abc (number 4, salary=1&married=no): tax: expected 1, got <script>alert(1)</script>\\x1b",
    ] == summarize(run).splitlines()


def test_the_summary_warns() -> None:
    """The summary warns if the client was the bottleneck, if requests were unsent, or if a process was killed."""
    run = build_run(*[build_counters(cpu=1, unsent=7, retries=2) for _ in range(4)])
    run.total.retried.update({"status 503": 2})
    run.ended_badly = ["process 1 of the client was ended by SIGKILL"]
    text = summarize(run)
    assert "requests    16 sent, 16 right, 0 wrong, 0 failed, 28 never sent" in text
    assert "retries     8 (2 status 503)" in text
    assert "beware      the client is the bottleneck, not the server" in text
    assert "beware      28 request(s) were due but never sent" in text
    assert "failed      process 1 of the client was ended by SIGKILL" in text


def test_a_run_whose_answers_all_arrive_too_late_is_a_warning() -> None:
    """The summary warns when every answer arrived after the end of the measured time."""
    text = summarize(build_run(build_counters(measured=0)))
    assert "throughput  0 answers/s over 0.25 s" in text
    assert "beware      no answer arrived within the measured time" in text


def test_two_runs_are_compared_side_by_side() -> None:
    """The comparison shows each value of both runs, the change of the value, and the settings that differ."""
    first, second = build_run(build_counters()), build_run(build_counters(range(2000, 10_000, 2000), unsent=7))
    second.settings["url"] = "http://y"
    text = compare_runs(first, second, ("a.json", "b.json"))
    assert re.search(r"^p50 ms +2\.00 +4\.00 +\+100\.\d %$", text, re.MULTILINE)
    for name in ("sent +4 +4", "unanswered +0 +0", "unsent +0 +7"):
        assert re.search(rf"^{name} +(same|new)$", text, re.MULTILINE)
    assert "  url: http://x / http://y" in text


def test_a_comparison_without_answers_invents_no_values() -> None:
    """The comparison shows "no answer" and an unknown change for each value that a run did not measure."""
    text = compare_runs(build_run(build_counters()), build_run(), ("a.json", "b.json"))
    for name in ("answers/s +16", "p50 ms +2", "p99.9 ms +4", "max ms +4", "mean ms +2"):
        assert re.search(rf"^{name}\.\d\d +no answer +unknown$", text, re.MULTILINE)


def test_slow_rates_have_decimals() -> None:
    """The summary shows a rate below 1 with significant digits, not as 0."""
    run = build_run(build_counters(measured=1))
    run.measured_until = 80.0
    assert "throughput  0.0125 answers/s over 80.00 s" in summarize(run)


def test_durations_are_short() -> None:
    """A duration is formatted in µs, ms or s, depending on its length. A missing duration is "no answer"."""
    durations = (0, 0.25, 3.5, 1200, math.nan)
    assert ["0", "250 µs", "3.5 ms", "1.2 s", "no answer"] == [format_duration(ms) for ms in durations]

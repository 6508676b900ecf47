"""Example runs for the tests of reports."""

from typing import Any

from tax_client.load.answer_check import WrongAnswer
from tax_client.load.coordinator import RunRecorder
from tax_client.load.outcome_counters import Counters, SenderReport, count_latencies
from tax_client.load.run_results import Run


def build_counters(latencies: range = range(1000, 5000, 1000), **counts: int) -> Counters:
    """Build counters with one right answer for each latency in microseconds. `counts` replaces single counters."""
    usual: dict[str, Any] = dict.fromkeys(("sent", "right", "answered", "measured"), len(latencies))
    counters = Counters(**(usual | counts))
    counters.latencies = count_latencies(latencies)
    return counters


def build_run(*reports: Counters, started: float = 1000.0, measured_from: float = 0.0) -> Run:
    """Build the run of one sender that reports every 0.25 s."""
    run = Run(started, {"url": "http://x", "loop": "closed"}, {"python": "3"}, cores=1.0, measured_from=measured_from)
    recorder = RunRecorder(run)
    for number, counters in enumerate(reports):
        recorder.add_report(0, SenderReport(number, (number + 1) / 4, 2, counters))
    return run


def build_troubled_run() -> Run:
    """Build a run of 0.5 s with three right answers, one wrong answer, one timeout and one unanswered request."""
    bad = build_counters(range(4000, 5000, 1000), sent=3, right=0, wrong=1, answered=1, measured=1)
    bad.failures["timeout"] = 1
    bad.examples["timeout"] = "timeout: expected <an> answer"
    bad.wrongs = [WrongAnswer(4, "abc", "salary=1&married=no", "tax: expected 1, got <script>alert(1)</script>\x1b")]
    return build_run(build_counters(range(1000, 4000, 1000)), bad)

"""Runs that the tests of reports read."""

from typing import Any

from tax_client.load.channel import News
from tax_client.load.counters import Tally, Wrong
from tax_client.load.histogram import Latencies
from tax_client.load.run import Recorder, Run


def tally(latencies: range = range(1000, 5000, 1000), **counts: int) -> Tally:
    """Counts, and one latency each of some microseconds; as many right answers, unless counts say otherwise."""
    usual: dict[str, Any] = dict.fromkeys(("sent", "right", "answered", "measured"), len(latencies))
    made = Tally(**(usual | counts))
    made.latencies = Latencies.of(latencies)
    return made


def run_of(*news: Tally, started: float = 1000.0, measured_from: float = 0.0) -> Run:
    """A run of one process that told something each quarter of a second."""
    run = Run(started, {"url": "http://x", "loop": "closed"}, {"python": "3"}, cores=1.0, measured_from=measured_from)
    recorder = Recorder(run)
    for quarter, counts in enumerate(news):
        recorder.hear(0, News(quarter, (quarter + 1) / 4, 2, counts))
    return run


def troubled_run() -> Run:
    """Six requests in half a second: three right, one wrong, a time-out, and one nobody waited for."""
    bad = tally(range(4000, 5000, 1000), sent=3, right=0, wrong=1, answered=1, measured=1)
    bad.failures["timeout"] = 1
    bad.examples["timeout"] = "timeout: expected <an> answer"
    bad.wrongs = [Wrong(4, "abc", "salary=1&married=no", "tax: expected 1, got <script>alert(1)</script>\x1b")]
    return run_of(tally(range(1000, 4000, 1000)), bad)

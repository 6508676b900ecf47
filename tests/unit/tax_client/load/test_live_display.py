"""Tests of the progress display of a run, on a terminal and on other streams."""

import io

import pytest

from tax_client.load.coordinator import RunRecorder
from tax_client.load.live_display import LineDisplay, LiveDisplay, build_display
from tax_client.load.load_plan import Plan
from tax_client.load.outcome_counters import Counters, SenderReport
from tests.unit.tax_client.load.example_runs import build_counters, build_run, build_troubled_run

PLAN = Plan(4, 1, 200, None, None, "constant", 0.0, 0.0, 0, None)
TIMED = Plan(4, 1, None, 20.0, None, "constant", 0.0, 0.0, 0, None)


class Terminal(io.StringIO):
    """A stream whose `isatty` returns True."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_the_line_display_writes_every_two_seconds_and_at_the_end() -> None:
    """During a run, the line display writes a line every two seconds. At the end it writes a last line."""
    stream, ticks = io.StringIO(), iter([100.0, 101.0, 102.0, 103.0])
    with LineDisplay(RunRecorder(build_run(build_counters())), PLAN, stream, clock=lambda: next(ticks)) as lines:
        for _ in range(3):
            lines.refresh()
    assert ["4/200 requests (2 %), 16/s, p99 4.0 ms, 0 wrong or failed"] * 2 == stream.getvalue().splitlines()


def test_a_line_of_a_timed_run_shows_the_time() -> None:
    """The progress line of a run with a duration shows the elapsed and planned seconds."""
    stream = io.StringIO()
    with LineDisplay(RunRecorder(build_run(build_counters())), TIMED, stream):
        pass
    assert "0/20 s, 4 requests, 16/s" in stream.getvalue()


@pytest.mark.parametrize(("cpu", "warned"), [(0.2, False), (0.24, True)])
def test_the_display_warns_when_the_client_is_the_bottleneck(cpu: float, warned: bool) -> None:
    """Both displays warn when the client uses 96 % of a core, but not when the client uses 80 %."""
    recorder = RunRecorder(build_run())
    recorder.add_report(0, SenderReport(0, 0.25, 1, Counters(cpu=cpu)))
    lines, terminal = io.StringIO(), Terminal()
    with LineDisplay(recorder, TIMED, lines), LiveDisplay(recorder, TIMED, terminal) as shown:
        shown.refresh()
    assert [warned] * 2 == ["the client is the bottleneck" in stream.getvalue() for stream in (lines, terminal)]


def test_the_load_includes_only_running_senders() -> None:
    """The load is the CPU time per second of all running senders, divided by the number of cores."""
    run = build_run()
    run.cores = 2.0
    recorder = RunRecorder(run)
    recorder.add_report(0, SenderReport(0, 0.25, 3, Counters(cpu=0.1)))
    recorder.add_report(0, SenderReport(1, 0.75, 3, Counters(cpu=0.4)))
    recorder.add_report(1, SenderReport(1, 0.5, 4, Counters(cpu=0.2)))
    assert pytest.approx((0.4 / 0.5 + 0.2 / 0.5) / 2) == recorder.current_load
    recorder.remove_sender(0)
    assert pytest.approx(0.2) == recorder.current_load
    recorder.add_report(1, SenderReport(3, 1.0, 4, Counters(cpu=0.5)))
    assert pytest.approx(0.5) == recorder.current_load
    assert 4 == run.intervals[3].in_flight


def test_a_closed_terminal_does_not_stop_a_run() -> None:
    """The line display ignores OSError from its stream."""
    refused = []

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            refused.append(text)
            raise OSError

    ticks = iter([100.0, 103.0])
    with LineDisplay(RunRecorder(build_run(build_counters())), PLAN, Closed(), clock=lambda: next(ticks)) as lines:
        lines.refresh()
    assert 2 == len(refused)


def test_a_terminal_shows_progress_and_errors() -> None:
    """The live display shows progress, latencies, outcomes, errors and the client's load. It is cleared at the end."""
    stream = Terminal()
    recorder = RunRecorder(build_troubled_run())
    with LiveDisplay(recorder, PLAN, stream) as display:
        display.refresh()
    shown = stream.getvalue()
    for words in ("5/200 requests", "p50 2.0 ms", "p99 4.0 ms", "3 right, 1 wrong, 1 failed", "1 timeout", "core(s)"):
        assert words in shown
    assert "\x1b[2K" in shown


@pytest.mark.parametrize(
    ("latencies", "rate"), [(range(1000, 2000, 1000), "4.0/s"), (range(1000, 1300, 100), "12/s"), (range(0), "0/s")]
)
def test_rates_below_ten_have_decimals(latencies: range, rate: str) -> None:
    """Both displays show a rate below 10 with a decimal."""
    recorder, lines, terminal = RunRecorder(build_run(build_counters(latencies, sent=4))), io.StringIO(), Terminal()
    with LineDisplay(recorder, TIMED, lines), LiveDisplay(recorder, TIMED, terminal) as shown:
        shown.refresh()
    assert f", {rate}, p99 " in lines.getvalue()
    assert f" {rate} on average" in terminal.getvalue()


def test_the_first_instants_are_not_extrapolated() -> None:
    """After 4 ms with one answer, the displays show no rate, and the load of the client is below 100 %."""
    run = build_run()
    recorder = RunRecorder(run)
    counters = build_counters(range(4000, 5000, 1000))
    counters.cpu = 0.01
    recorder.add_report(0, SenderReport(0, 0.004, 0, counters))
    lines, terminal = io.StringIO(), Terminal()
    with LineDisplay(recorder, TIMED, lines), LiveDisplay(recorder, TIMED, terminal) as shown:
        shown.refresh()
    assert "0/20 s, 1 requests, p99 4.0 ms, 0 wrong or failed" == lines.getvalue().strip()
    assert "not measured yet on average, no answer now" in terminal.getvalue()
    assert (0.04, 0.04) == pytest.approx((recorder.current_load, run.client_load))


def test_a_latency_without_answers_is_no_answer_on_the_displays() -> None:
    """Both displays show "no answer" as the latency of a run without answers, not 0 ms."""
    refused = build_counters(range(0), sent=4)
    refused.failures["connection refused"] = 4
    recorder, lines, terminal = RunRecorder(build_run(refused)), io.StringIO(), Terminal()
    with LineDisplay(recorder, PLAN, lines), LiveDisplay(recorder, PLAN, terminal) as shown:
        shown.refresh()
    assert "4/200 requests (2 %), 0/s, p99 no answer, 4 wrong or failed" == lines.getvalue().strip()
    assert "no answer" in terminal.getvalue()
    assert "0.0 ms" not in terminal.getvalue()


def test_the_current_rate_covers_two_seconds() -> None:
    """The current rate is the number of answers in the last eight complete intervals, divided by two seconds."""
    recorder = RunRecorder(build_run(*[build_counters(range(n)) for n in (9, 1, 0, 0, 0, 2, 0, 0, 1, 9)]))
    assert 2.0 == recorder.current_rate


@pytest.mark.parametrize(("stream", "kind"), [(io.StringIO(), LineDisplay), (Terminal(), LiveDisplay)])
def test_the_stream_selects_the_display(stream: io.StringIO, kind: type) -> None:
    """The live display is chosen for a terminal, and the line display for any other stream."""
    assert kind is type(build_display(stream, RunRecorder(build_run()), PLAN))

"""What a flood shows while it goes on, on a terminal and elsewhere."""

import io

import pytest

from tax_client.load.channel import News
from tax_client.load.counters import Tally
from tax_client.load.display import Lines, Picture, display_on
from tax_client.load.plan import Plan
from tax_client.load.run import Recorder
from tests.unit.client.flood_runs import run_of, tally, troubled_run

PLAN = Plan(4, 1, 200, None, None, "constant", 0.0, 0.0, 0, None)
TIMED = Plan(4, 1, None, 20.0, None, "constant", 0.0, 0.0, 0, None)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_without_a_terminal_there_is_a_line_every_two_seconds_and_one_at_the_end() -> None:
    """Beats come more often than lines do."""
    stream, ticks = io.StringIO(), iter([100.0, 101.0, 102.0, 103.0])
    with Lines(Recorder(run_of(tally())), PLAN, stream, clock=lambda: next(ticks)) as lines:
        for _ in range(3):
            lines.beat()
    assert ["4/200 requests (2 %), 16/s, p99 4.0 ms, 0 wrong or failed"] * 2 == stream.getvalue().splitlines()


def test_a_line_of_a_timed_flood_tells_the_time() -> None:
    """Where nobody knows how many requests there will be, the seconds are told."""
    stream = io.StringIO()
    with Lines(Recorder(run_of(tally())), TIMED, stream):
        pass
    assert "0/20 s, 4 requests, 16/s" in stream.getvalue()


@pytest.mark.parametrize(("cpu", "warned"), [(0.2, False), (0.24, True)])
def test_a_client_that_is_the_limit_is_told_while_it_is(cpu: float, warned: bool) -> None:
    """Of a quarter of a second on one core 96 % are nearly all, 80 % are not; a line and the picture say so."""
    recorder = Recorder(run_of())
    recorder.hear(0, News(0, 0.25, 1, Tally(cpu=cpu)))
    lines, terminal = io.StringIO(), Terminal()
    with Lines(recorder, TIMED, lines), Picture(recorder, TIMED, terminal) as shown:
        shown.beat()
    assert [warned] * 2 == ["the client is the limit" in stream.getvalue() for stream in (lines, terminal)]


def test_the_load_is_that_of_the_processes_that_are_there() -> None:
    """The processor time of each, by the time in which it was used; who has ended uses none."""
    run = run_of()
    run.cores = 2.0
    recorder = Recorder(run)
    recorder.hear(0, News(0, 0.25, 3, Tally(cpu=0.1)))
    recorder.hear(0, News(1, 0.75, 3, Tally(cpu=0.4)))
    recorder.hear(1, News(1, 0.5, 4, Tally(cpu=0.2)))
    assert pytest.approx((0.4 / 0.5 + 0.2 / 0.5) / 2) == recorder.load_now
    recorder.gone(0)
    assert pytest.approx(0.2) == recorder.load_now
    recorder.hear(1, News(3, 1.0, 4, Tally(cpu=0.5)))
    assert pytest.approx(0.5) == recorder.load_now
    assert 4 == run.intervals[3].flying


def test_a_terminal_that_is_closed_does_not_stop_a_flood() -> None:
    """Lines that cannot be written are left out, each of them."""
    refused = []

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            refused.append(text)
            raise OSError

    ticks = iter([100.0, 103.0])
    with Lines(Recorder(run_of(tally())), PLAN, Closed(), clock=lambda: next(ticks)) as lines:
        lines.beat()
    assert 2 == len(refused)


def test_a_terminal_sees_figures_and_errors() -> None:
    """The picture has progress, speed, percentiles, errors by kind and the client's own load; it is gone at the end."""
    stream = Terminal()
    recorder = Recorder(troubled_run())
    with Picture(recorder, PLAN, stream) as picture:
        picture.beat()
    said = stream.getvalue()
    for words in ("5/200 requests", "p50 2.0 ms", "p99 4.0 ms", "3 right, 1 wrong, 1 failed", "1 timeout", "core(s)"):
        assert words in said
    assert "\x1b[2K" in said


@pytest.mark.parametrize(("stream", "kind"), [(io.StringIO(), Lines), (Terminal(), Picture)])
def test_the_stream_decides_what_is_shown(stream: io.StringIO, kind: type) -> None:
    """A terminal gets the picture, all else lines."""
    assert kind is type(display_on(stream, Recorder(run_of()), PLAN))

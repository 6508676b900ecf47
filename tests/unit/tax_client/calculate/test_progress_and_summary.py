"""Tests of the summary and the progress line of a calculation."""

import io
import os
import termios
from contextlib import suppress
from dataclasses import asdict

from tax_client.calculate.batches import Failure, Problem, Row
from tax_client.calculate.checkpoint import Counts
from tax_client.calculate.progress_and_summary import Progress, Summary
from tax_client.taxpayers.reader import BadLine, Position
from tests.unit.tax_client.fakes import TWO_CHILDREN_TAX, Result


def test_counts_are_added() -> None:
    """The summary counts results, failures and bad lines separately."""
    summary = Summary(Counts(1, 2, 3))
    rows: list[Row] = [(number, asdict(TWO_CHILDREN_TAX)) for number in range(10)]
    problems: list[Problem] = [*[Failure(7, "no", None)] * 20, *[BadLine(3, "x", "no")] * 30]
    summary.add(rows, problems)
    assert Counts(11, 22, 33) == summary.counts


def test_the_summary_shows_results_failures_bad_lines_and_counts() -> None:
    """The summary shows results in aligned columns, then failures, bad lines and counts."""
    summary = Summary(Counts(0, 0, 1))
    single = asdict(Result("no", 0, 100000, 22986, 0, 0.41, 0, 0))
    summary.add([(1, asdict(TWO_CHILDREN_TAX))], [BadLine(3, "x", "expected\x1b digits")])
    summary.add([(12, single)], [Failure(7, "timeout: no answer", "abc")])
    assert [
        "id  married  children  salary    tax  surcharge  rate  discount  reduction",
        "--  -------  --------  ------  -----  ---------  ----  --------  ---------",
        " 1      yes         2   55555   2814          0  0.14         0          0",
        "12       no         0  100000  22986          0  0.41         0          0",
        "",
        "taxpayer 7: timeout: no answer",
        "",
        "line 3: expected\\x1b digits",
        "... and 1 more",
        "",
        "2 calculated, 1 not calculated, 2 bad line(s), 1 header(s), 2 comment(s), 3 blank line(s): 11 line(s)",
    ] == summary.format_text(Position(99, 11, headers=1, comments=2, blanks=3)).splitlines()


def test_a_long_summary_is_truncated_and_counts_the_rest() -> None:
    """A long summary shows fifty results and the number of remaining results."""
    summary = Summary()
    for number in range(60):
        summary.add([(number, asdict(TWO_CHILDREN_TAX))], [])
    lines = summary.format_text(Position(999, 60)).splitlines()
    total = "60 calculated, 0 not calculated, 0 bad line(s), 0 header(s), 0 comment(s), 0 blank line(s): 60 line(s)"
    assert ["... and 10 more", "", total] == lines[-3:]
    assert 2 + 50 + 3 == len(lines)


def test_the_progress_line_shows_rate_and_time_left() -> None:
    """The progress line of a regular file shows the rate, percentage and time left.

    In a resumed run, the rate and the time left exclude the lines before the start. For other inputs, such as a pipe,
    the line shows only the rate.
    """
    stream, now, measured = io.StringIO(), 0.0, (200, 1000)
    progress = Progress(stream, 1000, lambda: measured, lambda: now)
    measured = 300, 1010
    progress.show()
    assert "" == stream.getvalue()
    now, measured = 10.0, (600, 6000)
    progress.show()
    assert "5000 taxpayers, 500/s, 60 % of the file, 10 s left\n" == stream.getvalue()
    now, measured = 11.0, (700, 7000)
    progress.show()
    assert 1 == stream.getvalue().count("\n")
    measured = 0, 0
    unknown = Progress(stream, None, lambda: measured, lambda: now)
    now, measured = 21.0, (600, 100)
    unknown.show()
    assert stream.getvalue().endswith("\n100 taxpayers, 10/s\n")


def test_the_progress_line_stays_on_one_line_of_a_terminal() -> None:
    """On a terminal of 40 columns, the line is truncated to 39 characters. At the end, blanks erase the line."""
    reader, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 40))
    with os.fdopen(terminal, "w") as stream:
        measured = iter([(0, 0), (10**8, 10**7), (10**8, 10**7)])
        progress = Progress(stream, 10**9, measured.__next__, iter([0.0, 100.0, 200.0]).__next__)
        progress.show()
        progress.show()
        progress.clear()
    shown = b""
    with os.fdopen(reader, "rb", buffering=0) as screen, suppress(OSError):  # reading a closed terminal raises EIO
        while piece := screen.read(1000):
            shown += piece
    assert [
        "",
        "10000000 taxpayers, 100000/s, 10 % of the file, 900 s left"[:39],
        "10000000 taxpayers, 50000/s, 10 % of the file, 1800 s left"[:39],
        " " * 39,
        "",
    ] == shown.decode().split("\r")

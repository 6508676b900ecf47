"""What a calculation says and writes: its summary, the forms of its files, its pace."""

import io
import json
import os
import termios
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from tax_client.calculate.atomic_output import error_line
from tax_client.calculate.batches import Failure, Unread
from tax_client.calculate.checkpoint import Counts
from tax_client.calculate.formats import form_of
from tax_client.calculate.progress import Pace
from tax_client.calculate.summary import Summary
from tax_client.errors import UserError
from tax_client.taxpayers.reader import BadLine
from tests.unit.client.fakes import TWO_CHILDREN_TAX, Result
from tests.unit.client.test_client_answers import DATED_RESULT


def test_the_summary_shows_results_failures_bad_lines_and_counts() -> None:
    """The summary of a known run is this text, its columns aligned."""
    summary = Summary(Counts(0, 0, 1))
    alone = asdict(Result("no", 0, 100000, 22986, 0, 0.41, 0, 0))
    summary.add([(1, asdict(TWO_CHILDREN_TAX))], [], [BadLine(3, "x", "expected\x1b digits")])
    summary.add([(12, alone)], [Failure(7, "timeout: no answer", "abc")], [])
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
        "2 calculated, 1 not calculated, 2 bad line(s)",
    ] == summary.text().splitlines()


def test_a_long_summary_is_cut_and_says_so() -> None:
    """Beyond fifty results the table says how many more there are, and keeps no more."""
    summary = Summary()
    for number in range(60):
        summary.add([(number, asdict(TWO_CHILDREN_TAX))], [], [])
    lines = summary.text().splitlines()
    assert ["... and 10 more", "", "60 calculated, 0 not calculated, 0 bad line(s)"] == lines[-3:]
    assert 2 + 50 + 3 == len(lines)


ROW = {"id": 1, **asdict(TWO_CHILDREN_TAX)}


def written(name: str, rows: list[list[int]], dated: bool = False) -> str:
    """A results file of the same result, its rows written in these pieces."""
    form, count = form_of(Path(name), dated), 0
    content = form.head()
    result = DATED_RESULT | {"notes": [{"code": "CDHR"}, {"code": "CIMR"}]} if dated else asdict(TWO_CHILDREN_TAX)
    for piece in rows:
        content += form.rows([(number, result) for number in piece], count)
        count += len(piece)
    return (content + form.tail(count)).decode()


def test_the_results_file_is_a_json_array_with_a_line_a_taxpayer() -> None:
    """A result has nine fields, in the order of the published table; no result at all is an empty array."""
    text = written("r.json", [[], [1], [], [1, 1]])
    assert [ROW] * 3 == json.loads(text)
    assert list(ROW) == list(json.loads(text)[0])
    assert 5 == len(text.splitlines())
    assert [] == json.loads(written("r.json", []))


def test_json_lines_and_csv_hold_the_same() -> None:
    """In .jsonl a line is an object, in .csv the first line names the columns; notes are codes."""
    assert [ROW] * 2 == [json.loads(line) for line in written("r.jsonl", [[1], [1]]).splitlines()]
    assert [
        "id,married,children,salary,tax,surcharge,rate,discount,reduction",
        "1,yes,2,55555,2814,0,0.14,0,0",
        "2,yes,2,55555,2814,0,0.14,0,0",
    ] == written("r.csv", [[1], [2]]).splitlines()
    head, line = written("R.CSV", [[5]], dated=True).splitlines()
    assert "id,income_year,married,single_parent,children,salary,spouse_salary,taxable_income,shares,tax" in head
    assert "5,2024,yes,no,2,50000,0,45000,3.0,209,0,0.11,947,0,0,209,CDHR CIMR" == line


def test_a_results_file_of_another_form_is_refused() -> None:
    """A name that tells no form is an error that lists those there are."""
    with pytest.raises(UserError, match=r"expected a name that ends in .json, .jsonl or .csv"):
        form_of(Path("r.xlsx"), dated=False)


def test_a_problem_is_one_line() -> None:
    """No text of a line can end a line of the errors file."""
    problems = BadLine(3, "a\n\u2028b\x85", "why"), Failure(7, "timeout", None), Unread(9, "left")
    lines = b"".join(error_line(problem) for problem in problems).decode().splitlines()
    assert [
        {"line": 3, "text": "a\n\u2028b\x85", "reason": "why"},
        {"id": 7, "reason": "timeout", "request_id": None},
        {"line": 9, "reason": "left"},
    ] == [json.loads(line) for line in lines]


def test_the_pace_tells_rate_and_time_left() -> None:
    """Of a plain file it tells how far it is and when it ends; what was read before this run does not count."""
    said, now = io.StringIO(), 0.0
    pace = Pace(said, 1000, 200, lambda: now)
    pace.show(300, 10)
    assert "" == said.getvalue()
    now = 10.0
    pace.show(600, 5000)
    assert "5000 taxpayers, 500/s, 60 % of the file, 10 s left\n" == said.getvalue()
    now = 11.0
    pace.show(700, 6000)
    assert 1 == said.getvalue().count("\n")
    unknown = Pace(said, None, 0, lambda: now)
    now = 21.0
    unknown.show(600, 100)
    assert said.getvalue().endswith("\n100 taxpayers, 10/s\n")


def test_the_pace_stays_on_one_line_of_a_terminal() -> None:
    """On a terminal of 40 columns the line is cut to 39 characters, and is overwritten by blanks at the end."""
    reader, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 40))
    with os.fdopen(terminal, "w") as stream:
        pace = Pace(stream, 10**9, 0, iter([0.0, 100.0, 200.0]).__next__)
        pace.show(10**8, 10**7)
        pace.show(10**8, 10**7)
        pace.end()
    shown = b""
    with os.fdopen(reader, "rb", buffering=0) as screen, suppress(OSError):  # which ends with an error, not with b""
        while piece := screen.read(1000):
            shown += piece
    assert [
        "",
        "10000000 taxpayers, 100000/s, 10 % of the file, 900 s left"[:39],
        "10000000 taxpayers, 50000/s, 10 % of the file, 1800 s left"[:39],
        " " * 39,
        "",
    ] == shown.decode().split("\r")

"""Tests of the reader of taxpayers files: valid lines, the reasons for bad lines, and positions."""

import csv
import io
import json
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax_client.taxpayers.reader import LINE_MAX, BadLine, Position, Reader, Taxpayer
from tax_client.user_errors import UserError
from tests.unit.tax_client.fakes import read_lines

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ROOT = Path(__file__).parents[4]
DATA = ROOT / "services/client/data"

HEADER = b"id,married,children,salary\n"
blanks = st.text(" \t", max_size=3)


def split_by_kind(content: bytes) -> tuple[list[Taxpayer], list[BadLine]]:
    """Return the taxpayers and the bad lines of a file with this content."""
    lines = read_lines(content)
    taxpayers = [line for line in lines if isinstance(line, Taxpayer)]
    return taxpayers, [line for line in lines if isinstance(line, BadLine)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"1,yes,2,55555", Taxpayer(1, "yes", 2, 55555)),
        (b" 1 ,\tOUI , 2 ,55555 ", Taxpayer(1, "yes", 2, 55555)),
        (b"007,nOn,0,0", Taxpayer(7, "no", 0, 0)),
        ("1\u00a0,\u202fno,\u30002,55555".encode(), Taxpayer(1, "no", 2, 55555)),
        (b"1;oui;2;55555", Taxpayer(1, "yes", 2, 55555)),
        (b"1\tnon\t2\t55555", Taxpayer(1, "no", 2, 55555)),
        (b"1.0,yes,2.0,55555.0", Taxpayer(1, "yes", 2, 55555)),
        (b"1,No,99,999999999\r", Taxpayer(1, "no", 99, 999_999_999)),
        (b"\xef\xbb\xbf1,oui,2,55555", Taxpayer(1, "yes", 2, 55555)),
        (b"0" * 6000 + b"1,yes,2,7", Taxpayer(1, "yes", 2, 7)),
        (b"999999999999999999,yes,2,5", Taxpayer(999999999999999999, "yes", 2, 5)),
    ],
)
def test_a_well_formed_line_is_a_taxpayer(line: bytes, expected: Taxpayer) -> None:
    """The reader accepts blanks of any script, capital letters, French words, zeros before ids, a BOM and CRLF."""
    assert [expected] == read_lines(line)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"x,yes,2,5", "[id]"),
        (b",yes,2,5", "[id]"),
        (b"-1,yes,2,5", "[id]"),
        (b"1000000000000000000,yes,2,5", "[id]"),
        (b"1,maybe,2,5", "[married]"),
        (b"1,,2,5", "[married]"),
        ("1,yeſ,2,5".encode(), "[married]"),
        (b"1,yes,-2,5", "[children]"),
        (b"1,yes,+2,5", "[children]"),
        (b"1,yes,100,5", "[children]"),
        (b"1,yes,,5", "[children]"),
        ("1,yes,٢,5".encode(), "[children]"),
        ("1,yes,²,5".encode(), "[children]"),
        (b"1,yes,2,1_000", "[salary]"),
        (b"1,yes,2,1e5", "[salary]"),
        (b"1,yes,2,5.00", "[salary]"),
        (b"1,yes,2,50.000", "[salary]"),
        (b"1,yes,2,05", "found [05]: remove the leading zeros"),
        (b"1,yes,2,000", "[salary]"),
        (b"1,0,2,x", "found [0]; field [salary]"),
        (b"0" + b"9" * 19 + b",no,2,x", "found [0" + "9" * 19 + "]; field [salary]"),
        (b"1,yes,2,NaN", "[salary]"),
        ("1,yes,2,50\u202f000".encode(), "found [50<U+202F>000]"),
        ("1,yes,2,50\u200b".encode(), "found [50<U+200B>]"),
        (b"1,yes,2,5 0", "[salary]"),
        (b"1,yes,2,1000000000", "[salary]"),
        (b"1,yes,2," + b"9" * 6000, "[salary]"),
        (b"1,yes,2", "missing [salary]"),
        (b"1", "missing [married] [children] [salary]"),
        (b"1,yes,2,5,6", "too many after [salary]"),
        (b"1,yes\x01,2,5", "control characters"),
        (b"1,yes,2,5\x1b[2J", "control characters"),
        (b"1,yes,2,5\x7f", "control characters"),
        ("1,yes,2,5\x80".encode(), "control characters"),
        ("1,yes,2,5\x9f".encode(), "control characters"),
    ],
)
def test_a_bad_line_names_the_field_and_the_expected_value(line: bytes, field: str) -> None:
    """The reason for a bad line contains the field and the expected value, and has fewer than 200 characters."""
    (bad,) = read_lines(HEADER + line)
    assert isinstance(bad, BadLine)
    reason = bad.reason
    assert field in reason
    assert "expected" in reason
    assert len(reason) < 200


def test_a_bad_line_lists_every_wrong_field() -> None:
    """If a line has four wrong fields, its reason contains the names of all four fields."""
    (bad,) = read_lines(HEADER + b"a,b,1e,-d")
    assert isinstance(bad, BadLine)
    assert [True] * 4 == [f"[{name}]" in bad.reason for name in ("id", "married", "children", "salary")]


def test_blank_and_comment_lines_are_skipped_but_counted() -> None:
    """Line numbers count all lines, including blank lines and comments."""
    taxpayers, bad_lines = split_by_kind(b"# head\r\n\r\n   \n  # 1,yes\n\t\n#\n3,no,1,7\nbad\n")
    assert [Taxpayer(3, "no", 1, 7)] == taxpayers
    assert [8] == [bad.line for bad in bad_lines]


def test_the_second_line_of_an_id_is_bad() -> None:
    """A valid line whose id is already on an earlier valid line is bad, even if leading zeros differ."""
    taxpayers, bad_lines = split_by_kind(HEADER + b"7,no,1,bad\n7,no,1,8\n007,no,1,9\n")
    assert [Taxpayer(7, "no", 1, 8)] == taxpayers
    assert [2, 4] == [bad.line for bad in bad_lines]
    assert "7 is already on line 3" in bad_lines[1].reason


def test_a_long_bad_line_is_truncated() -> None:
    """The quoted text of a long bad line has the first 1000 characters and the original length of the line."""
    (bad,) = read_lines(HEADER + b"x" * 5000)
    assert isinstance(bad, BadLine)
    assert BadLine(2, "x" * 1000 + "... (5000 characters)", bad.reason) == bad


@given(st.lists(st.binary() | st.sampled_from([b",", b"1", b"yes", b"\n", b"\r\n", b"#", b"\x00", b"\xff"])))
def test_no_bytes_break_the_reader(pieces: list[bytes]) -> None:
    """For any bytes below a taxpayer, the counts of the lines add up. The reader can refuse the content as a whole."""
    content = b"1,yes,2,5\n" + b"".join(pieces)
    reader = Reader(io.BytesIO(content))
    try:
        read = list(reader)
    except UserError as error:
        assert re.match("taxpayers file: the (content|lines)", str(error))
        return
    found = reader.position
    assert content.count(b"\n") + (not content.endswith(b"\n")) == found.line
    assert found.line == len(read) + found.headers + found.comments + found.blanks


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**18 - 1),
            st.sampled_from(["yes", "no", "oui", "non"]).flatmap(
                lambda word: st.tuples(*(st.sampled_from([c, c.upper()]) for c in word)).map("".join)
            ),
            st.integers(0, 99),
            st.integers(0, 999_999_999),
            st.lists(blanks, min_size=8, max_size=8),
        ),
        unique_by=lambda row: row[0],
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_line_of_the_grammar_is_read_in_order(rows: list[tuple[int, str, int, int, list[str]]], end: str) -> None:
    """The reader returns the taxpayers of generated lines in the order of the lines."""
    lines = [",".join(f"{pad[2 * i]}{value}{pad[2 * i + 1]}" for i, value in enumerate(row)) for *row, pad in rows]
    expected = [Taxpayer(i, "yes" if word[0] in "yYoO" else "no", c, s) for i, word, c, s, _ in rows]
    assert expected == read_lines(end.join(lines).encode())


def test_the_first_line_determines_the_format() -> None:
    """The reader expects JSON lines if the first line begins with a JSON object."""
    one = b'{"id":1,"married":"no","children":0,"salary":5}\n'
    assert [Taxpayer(1, "no", 0, 5)] == read_lines(one) == read_lines(b"\xef\xbb\xbf# x\n\n" + one)
    assert [Taxpayer(1, "no", 0, 5)] == read_lines(b"1,no,0,5\n")


def test_the_year_of_a_run_applies_to_lines_without_one() -> None:
    """The reader assigns the year of the run to each line without a year."""
    content = b"id,married,children,salary,year\n1,yes,2,5,\n2,yes,2,5,2019\n3,OUI,2,5,\n"
    assert [2024, 2019, 2024] == [one.year for one in read_lines(content, year=2024) if isinstance(one, Taxpayer)]


def test_a_line_that_is_too_long_is_one_bad_line() -> None:
    """The reader returns one bad line for a line over the length limit, and then reads the next line."""
    for length in (LINE_MAX, LINE_MAX + 1, 3 * LINE_MAX):
        bad, good = read_lines(HEADER + b"1" * length + b"\n2,no,0,5\n")
        assert isinstance(bad, BadLine)
        assert f"expected a line of less than {LINE_MAX} bytes" in bad.reason
        assert Taxpayer(2, "no", 0, 5) == good
    padded = b"1,no,0,5" + b" " * (LINE_MAX - 9)
    assert [Taxpayer(1, "no", 0, 5)] == read_lines(HEADER + padded + b"\r\n")
    index = b"x" * (LINE_MAX + 1 - len(",1,no,0,500"))  # the first LINE_MAX + 1 bytes end within the salary
    bad, good = read_lines(b"," + HEADER + index + b",1,no,0,50000\n3,2,no,0,5\n")
    assert isinstance(bad, BadLine)
    assert Taxpayer(2, "no", 0, 5) == good


class PieceStream(io.RawIOBase):
    """A stream that returns one piece of its content per read."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [*pieces]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        piece = self._pieces.pop(0) if self._pieces else b""
        memoryview(buffer)[: len(piece)] = piece
        return len(piece)


def test_a_stream_can_pause_within_a_character() -> None:
    """The reader waits for the rest of a character whose first byte is the last byte of a stream so far."""
    content = "id,marié,enfants,salaire\n1,oui,2,5\n".encode()
    for place in range(1, len(content)):
        stream = PieceStream(content[:place], content[place:])
        assert [Taxpayer(1, "yes", 2, 5)] == list(Reader(io.BufferedReader(stream)))


def test_a_reader_continues_from_a_position() -> None:
    """A reader that skips to a position retains the columns and ids of the skipped lines."""
    content = b"id,salary,married,children\n1,5,no,0\n# x\n2,6,no,0\n1,7,no,0\n"
    whole = Reader(io.BytesIO(content))
    lines = iter(whole)
    next(lines)
    position = whole.position
    assert Position(content.index(b"# x"), 2, headers=1) == position
    later = Reader(io.BytesIO(content))
    later.skip_to(position)
    assert list(lines) == list(later)
    assert whole.position == later.position


def test_a_reader_continues_from_every_position() -> None:
    """After any number of lines, another reader continues with the same lines, whatever columns they have."""
    headers = b"id,married,children,salary\n1,no,0,5\n\nsalary;children;married;id\n6;0;no;2\n", b"3,no,0,7\n"
    for table in headers:
        content = b"# 1,b,c,d\n# 2,f,g,h\n" + table + b"# x\n#N/A,no,0,9\n4,no,0,8\n"
        whole = Reader(io.BytesIO(content))
        lines = list(whole)
        assert 5 <= len(lines)
        for count in range(len(lines) + 1):
            reader = Reader(io.BytesIO(content))
            assert lines[:count] == list(islice(reader, count))
            later = Reader(io.BytesIO(content))
            later.skip_to(reader.position)
            assert lines[count:] == list(later)
            assert whole.position == later.position


def test_the_sample_contains_published_taxpayers_and_many_kinds_of_bad_lines() -> None:
    """The sample file contains the taxpayers of the published results, in order, and seven kinds of bad lines."""
    taxpayers, bad_lines = split_by_kind((DATA / "taxpayers.txt").read_bytes())
    published = json.loads((DATA / "published.json").read_bytes())
    fields = ("id", "married", "children", "salary")
    assert [[row[name] for name in fields] for row in published] == [
        [getattr(taxpayer, name) for name in fields] for taxpayer in taxpayers
    ]
    assert len({bad.reason for bad in bad_lines}) >= 7


def test_the_published_results_are_the_first_cases() -> None:
    """The file published.json contains the first eleven rows of the test cases of version 7."""
    with (ROOT / "tests/cases/v7.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))[:11]
    published = json.loads((DATA / "published.json").read_bytes())
    expected = [{name: value if name == "married" else float(value) for name, value in row.items()} for row in rows]
    assert expected == [{name: row[name] for name in rows[0]} for row in published]
    assert list(range(1, 12)) == [row["id"] for row in published]

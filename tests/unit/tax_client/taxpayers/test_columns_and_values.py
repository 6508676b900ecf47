"""Tests of headers, of columns, and of the pattern and the parser that read a line."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax_client.taxpayers.columns_and_values import COLUMNS, FIELDS, VOCABULARY, build_plain_taxpayer, build_taxpayer
from tax_client.taxpayers.reader import BadLine, Taxpayer
from tax_client.user_errors import UserError
from tax_common.tables.row_format import RowFormat
from tests.unit.tax_client.fakes import read_lines


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"id,married,children,salary\n1,yes,2,5\n", Taxpayer(1, "yes", 2, 5)),
        (b"# who\n\nSalary,ID,Children,Married\r\n5,1,2,oui\r\n", Taxpayer(1, "yes", 2, 5)),
        ("\ufeffid;marié;enfants;salaire;année\n1;oui;2;5;2024\n".encode(), Taxpayer(1, "yes", 2, 5, 2024)),
        ("id;marie\u0301;enfants;salaire\n1;oui;2;5\n".encode(), Taxpayer(1, "yes", 2, 5)),
        (
            b"id,year,married,single_parent,children,salary,spouse_salary\n1,2024,no,yes,2,5,\n",
            Taxpayer(1, "no", 2, 5, 2024, "yes"),
        ),
        (
            b"id\tmarried\tchildren\tsalary\tspouse_salary\n1\tyes\t2\t5\t7\n",
            Taxpayer(1, "yes", 2, 5, None, None, 7),
        ),
        (b"id,married,children,salary,year\n1,yes,2,5,\n", Taxpayer(1, "yes", 2, 5)),
    ],
)
def test_a_header_names_the_columns(content: bytes, expected: Taxpayer) -> None:
    """The header can list English or French columns in any order, separated by commas, semicolons or tabs."""
    assert [expected] == read_lines(content)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"id,married,children,salary,age", "unknown [age]"),
        (b"id,married,children", "missing [salary]"),
        (b"id,married,children,salary,salaire", "repeated [salary]"),
        ("id;marié;enfants;salaire;2024".encode(), "unknown [2024]"),
    ],
)
def test_a_wrong_header_is_an_error(header: bytes, message: str) -> None:
    """The reader raises UserError if a column of the header is unknown, duplicate or missing."""
    with pytest.raises(UserError) as caught:
        read_lines(header + b"\n1,yes,2,5\n")
    assert message in str(caught.value)
    wanted = (
        "expected a header with the columns id,married,children,salary and optionally year,single_parent,spouse_salary"
    )
    assert wanted in str(caught.value)


def test_csv_quotes_are_allowed() -> None:
    """Quotes around cells are allowed, with blanks outside them. A cell without a closing quote makes its line bad."""
    content = b'"id","married","children","salary"\n1, "yes" ,2,"5"\n"2","no,0,7\n'
    good, bad = read_lines(content)
    assert Taxpayer(1, "yes", 2, 5) == good
    assert isinstance(bad, BadLine)
    assert "expected a closing quote at the end of each quoted cell" in bad.reason
    assert [Taxpayer(1, "yes", 2, 5)] == read_lines(b'1,"yes",2,5\n')


digits = (
    st.integers(0, 10**19).map(str) | st.integers(0, 120).map(str) | st.sampled_from(["007", "", "1_0", "-1", "+1"])
)
words = st.sampled_from(["yes", "no", "oui", "YES", "maybe", ""])
optional = st.lists(st.sampled_from(["year", "single_parent", "spouse_salary"]), unique=True)


@given(optional.flatmap(lambda more: st.permutations(["id", "married", "children", "salary", *more])), st.data())
def test_the_fast_pattern_agrees_with_the_parser(columns: list[str], data: st.DataObject) -> None:
    """For any columns, if the fast pattern matches a line, the pattern and the parser read the same taxpayer."""
    separator, year = data.draw(st.sampled_from([",", ";", "\t"])), data.draw(st.sampled_from([None, 2024]))
    found = build_format(columns, separator)
    cells = [data.draw(words if name in ("married", "single_parent") else digits) for name in columns]
    line = separator.join(cells)
    if match := found.fast_pattern.fullmatch(line.encode() + data.draw(st.sampled_from([b"", b"\n", b"\r\n"]))):
        expected = build_taxpayer(found.parse(found.split(line)), year)
        assert expected == build_plain_taxpayer(match.group(*COLUMNS), year)


def build_format(columns: Sequence[str], separator: str = ",") -> RowFormat:
    """Build the format of lines with these columns."""
    return RowFormat(VOCABULARY, tuple(VOCABULARY.by_name[name] for name in columns), tuple(columns), separator)


@pytest.mark.parametrize("line", [b"1,yes,2,55555\n", b"999999999999999999,no,99,999999999\r\n", b"007,oui,0,0"])
def test_the_fast_pattern_matches_plain_lines(line: bytes) -> None:
    """The fast pattern matches plain lines whose values are within the limits of their columns."""
    assert build_format(FIELDS).fast_pattern.fullmatch(line)

"""Files that name their columns, JSON lines, and the ids of many lines."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax_client.errors import UserError
from tax_client.taxpayers.line_format import Layout
from tax_client.taxpayers.reader import LINE_MAX, BadLine, Line, Position, Reader, Taxpayer
from tax_client.taxpayers.unique_ids import Ids


def lines_of(content: bytes, form: str = "lines", year: int | None = None) -> list[Line]:
    """What a file holds."""
    return list(Reader(io.BytesIO(content), form, year))


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
def test_a_first_line_may_name_the_columns(content: bytes, expected: Taxpayer) -> None:
    """Columns come in any order, in English or French, separated by commas, semicolons or tabs."""
    assert [expected] == lines_of(content)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"id,married,children,salary,age", "unknown [age]"),
        (b"id,married,children", "missing [salary]"),
        (b"id,married,children,salary,salaire", "twice [salary]"),
        ("id;marié;enfants;salaire".encode("latin-1"), ",spouse_salary: save the file as UTF-8"),
    ],
)
def test_a_wrong_header_is_said_at_once(header: bytes, said: str) -> None:
    """Columns that are unknown, twice or missing stop the run before it begins."""
    with pytest.raises(UserError) as caught:
        lines_of(header + b"\n1,yes,2,5\n")
    assert said in str(caught.value)
    assert "expected id,married,children,salary and, where wanted, year,single_parent,spouse_salary" in str(
        caught.value
    )


def test_the_year_of_a_run_is_that_of_lines_without_one() -> None:
    """A year given beforehand holds where a line has none of its own."""
    content = b"id,married,children,salary,year\n1,yes,2,5,\n2,yes,2,5,2019\n3,OUI,2,5,\n"
    assert [2024, 2019, 2024] == [one.year for one in lines_of(content, year=2024) if isinstance(one, Taxpayer)]


def test_json_lines_are_read_like_the_others() -> None:
    """A JSON object a line, numbers as numbers or texts; what it lacks or has too many of is named."""
    content = b"""{"id": 1, "married": "yes", "children": 2, "salary": 5, "year": 2024}
{"id": "2", "married": "non", "children": "0", "salary": "7", "spouse_salary": null}
{"id": 3, "married": true, "children": 1.5, "salary": 5, "age": 9}
[3]
{"id": 1, "married": "yes", "children": 2, "salary": 5}
{"id": 4
{"id": 5, "married": "yes", "children": 2}
"""
    one, two, *bad = lines_of(content, "jsonl")
    assert [Taxpayer(1, "yes", 2, 5, 2024), Taxpayer(2, "no", 0, 7)] == [one, two]
    reasons = [line.reason for line in bad if isinstance(line, BadLine)]
    assert [True] * 3 == [f"field [{name}]: expected" in reasons[0] for name in ("age", "children", "married")]
    assert reasons[1].startswith("expected a JSON object with id, married, children, salary")
    assert reasons[2].endswith("1 is already on line 1")
    assert reasons[3].startswith("expected a JSON object")
    assert "field [salary]: expected a value, found none" == reasons[4]


def test_the_first_line_of_a_stream_tells_its_form() -> None:
    """Of a stream without a name, lines that begin with an object are JSON lines, others are not."""
    assert [Taxpayer(1, "no", 0, 5)] == lines_of(b'{"id":1,"married":"no","children":0,"salary":5}\n', "either")
    assert [Taxpayer(1, "no", 0, 5)] == lines_of(b"1,no,0,5\n", "either")
    bad, good = lines_of(b'{"id":1}\n1,no,0,5\n')
    assert isinstance(bad, BadLine)
    assert Taxpayer(1, "no", 0, 5) == good


def test_a_line_that_is_too_long_is_one_bad_line() -> None:
    """A line of more than a mebibyte is not kept in memory; the next one is read as ever."""
    bad, good = lines_of(b"1" * (3 * LINE_MAX) + b"\n2,no,0,5\n")
    assert isinstance(bad, BadLine)
    assert "expected a line of less than" in bad.reason
    assert Taxpayer(2, "no", 0, 5) == good


def test_a_reader_goes_on_from_a_position() -> None:
    """A reader that passes over the first lines knows their columns and ids."""
    content = b"id,salary,married,children\n1,5,no,0\n# x\n2,6,no,0\n1,7,no,0\n"
    whole = Reader(io.BytesIO(content))
    lines = iter(whole)
    next(lines)
    position = whole.position
    assert Position(content.index(b"# x"), 2) == position
    later = Reader(io.BytesIO(content))
    later.pass_over(position)
    assert list(lines) == list(later)
    assert whole.position == later.position


def test_quotes_are_those_of_csv_where_columns_are_named() -> None:
    """Below a header cells may stand in quotes; a quote without an end is a bad line, and so are quotes elsewhere."""
    content = b'"id","married","children","salary"\n1,"yes",2,"5"\n"2","no,0,7\n'
    good, bad = lines_of(content)
    assert Taxpayer(1, "yes", 2, 5) == good
    assert isinstance(bad, BadLine)
    assert "expected cells in quotes to end with a quote" in bad.reason
    (plain,) = lines_of(b'1,"yes",2,5\n')
    assert isinstance(plain, BadLine)
    assert '[married]: expected yes, no, oui or non, found ["yes"]' in plain.reason


@pytest.mark.parametrize("more", ['"id": 7', '"s\\u0061lary": 6', '"salary": 5'])
def test_a_name_that_a_json_line_repeats_is_refused(more: str) -> None:
    """A field that is there twice, even with the same value, is a bad line: nobody can say which one was meant."""
    (bad,) = lines_of(f'{{"id": 6, "married": "yes", "children": 2, "salary": 5, {more}}}'.encode(), "jsonl")
    assert isinstance(bad, BadLine)
    assert "expected each field once, in English or in French" == bad.reason


@pytest.mark.parametrize("married", ['":"', '\\":\\"', "a:b\\\\"])
def test_a_colon_within_a_text_is_no_name(married: str) -> None:
    """Only names count as names, whatever a text holds."""
    (bad,) = lines_of(f'{{"id": 6, "married": "{married}", "children": 2, "salary": 5}}'.encode(), "jsonl")
    assert isinstance(bad, BadLine)
    assert "each field once" not in bad.reason


def test_json_lines_have_names_in_both_languages() -> None:
    """A field may have its French name; the same field in both languages is refused."""
    good, apart, bad = lines_of(
        """{"id": 1, "marié": "oui", "enfants": 2, "salaire": 5, "année": 2024}
{"id": 3, "marie\u0301": "oui", "enfants": 2, "salaire": 5}
{"id": 2, "married": "yes", "marié": "non", "enfants": 2, "salaire": 5}
""".encode(),
        "jsonl",
    )
    assert [Taxpayer(1, "yes", 2, 5, 2024), Taxpayer(3, "yes", 2, 5)] == [good, apart]
    assert isinstance(bad, BadLine)
    assert "expected each field once, in English or in French" == bad.reason


digits = (
    st.integers(0, 10**19).map(str) | st.integers(0, 120).map(str) | st.sampled_from(["007", "", "1_0", "-1", "+1"])
)
words = st.sampled_from(["yes", "no", "oui", "YES", "maybe", ""])
optional = st.lists(st.sampled_from(["year", "single_parent", "spouse_salary"]), unique=True)


@given(optional.flatmap(lambda more: st.permutations(["id", "married", "children", "salary", *more])), st.data())
def test_the_quick_way_reads_what_the_careful_way_does(columns: list[str], data: st.DataObject) -> None:
    """A line that the quick pattern takes, whatever its columns, is the same taxpayer when read cell by cell."""
    layout = Layout(
        tuple(columns), data.draw(st.sampled_from([",", ";", "\t"])), data.draw(st.sampled_from([None, 2024]))
    )
    cells = [data.draw(words if name in ("married", "single_parent") else digits) for name in columns]
    line = layout.separator.join(cells).encode()
    if found := layout.quick.fullmatch(line + data.draw(st.sampled_from([b"", b"\n", b"\r\n"]))):
        assert layout.taxpayer(found) == layout.parse(line)


@pytest.mark.parametrize("line", [b"1,yes,2,55555\n", b"999999999999999999,no,99,999999999\r\n", b"007,no,00,0"])
def test_most_lines_go_the_quick_way(line: bytes) -> None:
    """Plain lines match the quick pattern, within the limits of each column."""
    assert Layout().quick.fullmatch(line)


@given(
    st.lists(st.integers(0, 2**60) | st.integers(0, 50) | st.integers(0, 1000).map(lambda n: n << 40), max_size=3000)
)
def test_ids_are_claimed_once(numbers: list[int]) -> None:
    """The first line of an id keeps it, whatever the ids and however many."""
    ids, first = Ids(), dict[int, int]()
    for line, number in enumerate(numbers, start=1):
        assert first.setdefault(number, line) == ids.claim(number, line)

"""Tests of taxpayers files in JSON lines."""

import pytest

from tax_client.taxpayers.reader import BadLine, Taxpayer
from tax_client.user_errors import UserError
from tests.unit.tax_client.fakes import read_lines


def test_json_lines_give_the_same_taxpayers() -> None:
    """The reader accepts numbers as JSON numbers or strings, and reports missing and unknown fields."""
    content = b"""{"id": 1, "married": "yes", "children": 2, "salary": 5, "year": 2024}
{"id": "2", "married": "non", "children": "0", "salary": "7", "spouse_salary": null}
{"id": 3, "married": true, "children": 1.5, "salary": 5, "age": 9}
[3]
{"id": 1, "married": "yes", "children": 2, "salary": 5}
{"id": 4
{"id": 5, "married": "yes", "children": 2}
"""
    one, two, *bad = read_lines(content, "jsonl")
    assert [Taxpayer(1, "yes", 2, 5, 2024), Taxpayer(2, "no", 0, 7)] == [one, two]
    reasons = [line.reason for line in bad if isinstance(line, BadLine)]
    assert [True] * 3 == [f"field [{name}]: expected" in reasons[0] for name in ("age", "children", "married")]
    assert reasons[1].startswith("expected a JSON object with id, married, children, salary")
    assert reasons[2].endswith("1 is already on line 1")
    assert reasons[3].startswith("expected a JSON object")
    assert "field [salary]: expected a value, found none" == reasons[4]


@pytest.mark.parametrize("more", ['"id": 7', '"s\\u0061lary": 6', '"salary": 5'])
def test_a_repeated_name_is_rejected(more: str) -> None:
    """The reader rejects a line with a duplicate field, even if both values are equal."""
    (bad,) = read_lines(f'{{"id": 6, "married": "yes", "children": 2, "salary": 5, {more}}}'.encode(), "jsonl")
    assert isinstance(bad, BadLine)
    assert "expected each field once, either in English or in French" == bad.reason


@pytest.mark.parametrize("married", ['":"', '\\":\\"', "a:b\\\\"])
def test_a_colon_within_a_string_is_not_a_field_name(married: str) -> None:
    """A colon or quote within a string is not mistaken for a field name."""
    (bad,) = read_lines(f'{{"id": 6, "married": "{married}", "children": 2, "salary": 5}}'.encode(), "jsonl")
    assert isinstance(bad, BadLine)
    assert "each field once" not in bad.reason


LINE = '{"id": %s, "married": "yes", "children": 0, "salary": %s}\n'


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("5.5", "field [salary]: expected a whole number or a text, found 5.5"),
        ("18446744073709551616", "field [salary]: expected a whole number or a text, found a number that is too large"),
        ("9007199254740992.0", "field [salary]: expected a whole number or a text, found a number that is too large"),
        ("true", "field [salary]: expected a whole number or a text, found true"),
        ("[]", "field [salary]: expected a whole number or a text, found an array"),
        ("NaN", "expected a JSON object with id, married, children, salary, found NaN, which JSON does not have"),
        ('"007"', "found [007]: remove the leading zeros"),
    ],
)
def test_a_value_that_is_no_whole_number_is_named(number: str, reason: str) -> None:
    """The reason for a bad line names a value that is not a whole number."""
    good, bad = read_lines((LINE % (1, 5) + LINE % (2, number)).encode(), "jsonl")
    assert isinstance(good, Taxpayer)
    assert isinstance(bad, BadLine)
    assert reason in bad.reason


@pytest.mark.parametrize("blanks", [" ", "\\t", " \\t "])
def test_blanks_around_a_text_are_ignored(blanks: str) -> None:
    """The reader ignores blanks around a text, as `POST /` does around `yes` and `no`."""
    line = LINE.replace("yes", f"{blanks}OUI{blanks}") % (1, f'"{blanks}5{blanks}"')
    assert [Taxpayer(1, "yes", 0, 5)] == read_lines(line.encode(), "jsonl")


@pytest.mark.parametrize(("number", "salary"), [("5.0", 5), ("5e4", 50_000), ("-0.0", 0), ('"5.0"', 5)])
def test_a_number_without_a_fraction_is_a_whole_number(number: str, salary: int) -> None:
    """A number such as 5.0, which pandas writes, is a whole number (JSON Schema 2020-12)."""
    assert [Taxpayer(1, "yes", 0, salary)] == read_lines((LINE % ("1.0", number)).encode(), "jsonl")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'[{"id": 1}]', "the content is a JSON array, not a table"),
        (b'{\n"id": 1\n}\n', "the content has a JSON object over several lines: write each object on one line"),
        (b'{"id": 1,\n"married": "yes"}', "the content has a JSON object over several lines"),
        ('{"id": "é"}'.encode("cp1252"), "on line 1, the byte 0xE9 is [é] in Windows-1252: save it as UTF-8"),
        ('{"id": 1}'.encode("utf-16"), "the content is text in UTF-16: save it as UTF-8"),
        ('{"id": 1}'.encode("utf-16-be"), "the content is text in UTF-16 without a byte order mark"),
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "lines"])
def test_other_contents_than_json_lines_are_named(content: bytes, sentence: str, form: str) -> None:
    """The reader refuses JSON arrays, JSON over several lines and other encodings by one sentence."""
    with pytest.raises(UserError) as caught:
        read_lines(content, form)
    assert sentence in str(caught.value)


def test_json_lines_have_names_in_both_languages() -> None:
    """The reader accepts French field names, but rejects a field that occurs in both languages."""
    good, apart, bad = read_lines(
        """{"id": 1, "marié": "oui", "enfants": 2, "salaire": 5, "année": 2024}
{"id": 3, "marie\u0301": "oui", "enfants": 2, "salaire": 5}
{"id": 2, "married": "yes", "marié": "non", "enfants": 2, "salaire": 5}
""".encode(),
        "jsonl",
    )
    assert [Taxpayer(1, "yes", 2, 5, 2024), Taxpayer(3, "yes", 2, 5)] == [good, apart]
    assert isinstance(bad, BadLine)
    assert "expected each field once, either in English or in French" == bad.reason

"""Tests of taxpayers files in JSON lines."""

import pytest

from tax_client.taxpayers.reader import BadLine, Taxpayer
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

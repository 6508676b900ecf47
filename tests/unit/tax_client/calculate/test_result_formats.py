"""Tests of the formats of a results file."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tax_client.calculate.result_formats import choose_format
from tax_client.user_errors import UserError
from tests.unit.tax_client.api.test_responses import DATED_RESULT
from tests.unit.tax_client.fakes import TWO_CHILDREN_TAX

ROW = {"id": 1, **asdict(TWO_CHILDREN_TAX)}


def encode(name: str, rows: list[list[int]], is_dated: bool = False) -> str:
    """Encode a results file of equal results. Each inner list has the ids of rows that are encoded together."""
    result_format, count = choose_format(Path(name), is_dated), 0
    content = result_format.encode_head()
    notes = {"notes": [{"code": "OTHER"}, {"code": "CIMR"}]}
    result = DATED_RESULT | notes if is_dated else asdict(TWO_CHILDREN_TAX)
    for piece in rows:
        content += result_format.encode_rows([(number, result) for number in piece], count)
        count += len(piece)
    return (content + result_format.encode_tail(count)).decode()


def test_a_json_file_is_an_array_with_a_taxpayer_a_line() -> None:
    """The file is an array with one line per result. The fields of a result have the order of the published table."""
    text = encode("r.json", [[], [1], [], [1, 1]])
    assert [ROW] * 3 == json.loads(text)
    assert list(ROW) == list(json.loads(text)[0])
    assert 5 == len(text.splitlines())
    assert [] == json.loads(encode("r.json", []))


def test_json_lines_and_csv_contain_the_same_results() -> None:
    """The file's suffix selects JSON lines or CSV. A CSV file has a header, and contains the codes of the notes."""
    assert [ROW] * 2 == [json.loads(line) for line in encode("r.jsonl", [[1], [1]]).splitlines()]
    assert [
        "id,married,children,salary,tax,surcharge,rate,discount,reduction",
        "1,yes,2,55555,2814,0,0.14,0,0",
        "2,yes,2,55555,2814,0,0.14,0,0",
    ] == encode("r.csv", [[1], [2]]).splitlines()
    head, line = encode("R.CSV", [[5]], is_dated=True).splitlines()
    assert "id,income_year,married,single_parent,children,salary,spouse_salary,taxable_income,shares,tax" in head
    assert "5,2024,yes,no,2,50000,0,45000,3.0,209,0,0.11,947,0,0,209,OTHER CIMR" == line


def test_an_unknown_suffix_is_an_error() -> None:
    """The error about an unknown suffix lists the known suffixes."""
    with pytest.raises(UserError, match=r"expected a name that ends in .json, .jsonl or .csv"):
        choose_format(Path("r.xlsx"), is_dated=False)

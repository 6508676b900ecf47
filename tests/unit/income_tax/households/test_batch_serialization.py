"""A batch gives the same results and errors as one request for each of its households."""

import csv
import io
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from income_tax.households.batch_serialization import CSV_FIELDS, serialize_csv, serialize_json
from income_tax.households.batch_validation import ParsedBatch, parse_objects
from income_tax.households.parameters_and_decoders import HOUSEHOLD, CellDecoder, JsonDecoder
from income_tax.households.result_serialization import calculate
from income_tax.households.validation import HouseholdSchema, ParameterError, build_household
from income_tax.tax.models import MAX_CHILDREN, MAX_SALARY
from tests.support.data import law_cases, schedules, v7_cases
from tests.support.table_parser import parse_rows

SCHEDULES = schedules()
YEARS = SCHEDULES.years

good = st.fixed_dictionaries(
    {
        "married": st.sampled_from(["yes", "no"]),
        "children": st.integers(0, 3) | st.integers(0, MAX_CHILDREN),
        "salary": st.integers(0, 200_000) | st.integers(0, MAX_SALARY),
    },
    optional={
        "year": st.sampled_from([*YEARS, *YEARS, 2017, 2026]),
        "single_parent": st.sampled_from(["no", "yes"]),
        "spouse_salary": st.just(0) | st.integers(0, 90_000),
    },
)
odd_values = (
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**70), 2**70)
    | st.sampled_from(["yes", "OUI", "5"])
)
odd_names = st.sampled_from(["married", "children", "salary", "year", "annee", "enfants", "explain", "x", ""])
odd = st.dictionaries(odd_names, odd_values | st.lists(st.integers(), max_size=2)) | odd_values
mixed = st.builds(lambda start, more: start | more, good, st.dictionaries(odd_names, odd_values, max_size=1))
items = st.lists(good | good | good | mixed | odd, min_size=1, max_size=12)


def calculate_one_by_one(pairs_of_items: list[Any], form: Any) -> list[dict[str, Any]]:
    """Calculate the households one by one, and return their results and errors."""
    schema = HouseholdSchema(HOUSEHOLD, form)
    answers: list[dict[str, Any]] = []
    for row, pairs in enumerate(pairs_of_items):
        try:
            if isinstance(pairs, ParameterError):
                raise pairs
            answers.append({"result": dict(calculate(build_household(schema.parse(pairs, YEARS)), SCHEDULES))})
        except ParameterError as error:
            errors = [f"household [{row}]: {sentence}" for sentence in error.errors]
            answers.append({"errors": errors, "expected": error.expected})
    return answers


def read_results(many: ParsedBatch) -> Any:
    """Return the results in the JSON response to a batch."""
    return orjson.loads(serialize_json(many, SCHEDULES))["response"]["results"]


@given(items)
def test_objects_equal_one_by_one(households: list[Any]) -> None:
    """Each household of an array has the same result as in a request for this household alone."""
    no_object = ParameterError(["not a JSON object"], ["a JSON object with the parameters of a household"])
    parsed = orjson.loads(json.dumps(households))
    alone = [item.items() if isinstance(item, dict) else no_object for item in parsed]
    assert calculate_one_by_one(alone, JsonDecoder()) == read_results(parse_objects(parsed, YEARS))


cells = st.sampled_from(
    ["yes", "no", "oui", " NON", "", "0", "1", "2", "7", "00012", "2024", "2018", "-1", "٣", "1e3", "?"]
)
cells = cells | st.integers(0, MAX_SALARY + 3).map(str)
rows = st.lists(cells, min_size=3, max_size=7).filter(any)
headers = st.permutations(["married", "children", "salary", "year", "single_parent", "spouse_salary"])


@given(headers, st.integers(3, 6), st.lists(rows, min_size=1, max_size=12))
def test_rows_equal_one_by_one(names: list[str], width: int, rows: list[list[str]]) -> None:
    """Each household of a text table has the same result as in a request for this household alone."""
    header = sorted(names[:width], key=["married", "children", "salary"].__contains__)
    header = list(dict.fromkeys(["married", "children", "salary", *header]))
    alone: list[Any] = []
    for row in rows:
        cells = row[: len(header)] if not any(row[len(header) :]) else row
        if len(cells) == len(header):
            alone.append([(name, cell.strip()) for name, cell in zip(header, cells, strict=True) if cell])
        else:
            alone.append(ParameterError([], []))
    results = read_results(parse_rows(header, rows, YEARS))
    for place, row in enumerate(alone):
        if isinstance(row, ParameterError):
            (error,) = results[place]["errors"]
            assert f"household [{place}]: line {place + 2}: expected the" in error
            results[place] = {"errors": [], "expected": []}
    assert calculate_one_by_one(alone, CellDecoder()) == results


@given(st.lists(good, min_size=1, max_size=12))
def test_csv_equals_json(households: list[dict[str, Any]]) -> None:
    """The CSV response has the same values and errors as the JSON response."""
    many = parse_objects(households, YEARS)
    lines = list(csv.DictReader(io.StringIO(serialize_csv(many, SCHEDULES).decode(), newline="")))
    wanted = []
    for answer in read_results(many):
        result = answer.get("result", {})
        cells = {name: str(result.get(name, "")) for name in CSV_FIELDS}
        cells["notes"] = " ".join(note["code"] for note in result.get("notes", []))
        told = [*answer.get("errors", []), *(f"expected {what}" for what in answer.get("expected", []))]
        wanted.append(cells | {"errors": "; ".join(told)})
    assert wanted == lines


def test_all_cases_at_once() -> None:
    """One array with all 2,878 cases of the law and all 372 cases of `v7` gives the expected results."""
    law, old = law_cases(), v7_cases()
    names = ("married", "single_parent", "children", "salary")
    asked: list[dict[str, Any]] = [
        {"year": c["income_year"], "spouse_salary": c["spouse_salary"] or 0, **{n: c[n] for n in names}} for c in law
    ]
    asked += [{n: c[n] for n in ("married", "children", "salary")} for c in old]
    found = [answer["result"] for answer in read_results(parse_objects(asked, YEARS))]
    for case, result in zip(law, found, strict=False):
        wanted = {"discount" if name == "decote" else name: value for name, value in case.items()}
        wanted["spouse_salary"] = wanted["spouse_salary"] or 0
        assert {n: wanted[n] for n in result if n in wanted} == {n: v for n, v in result.items() if n in wanted}
    assert old == found[len(law) :]


@pytest.mark.parametrize("rows", [1, 7])
def test_order_is_kept(rows: int) -> None:
    """Valid and invalid households of different years keep their order."""
    asked = [{"year": 2018 + i % 8, "married": "no", "children": 0, "salary": 20_000 + i} for i in range(16)]
    asked[rows]["salary"] = -1
    found = read_results(parse_objects(asked, YEARS))
    assert [i for i in range(16) if i != rows] == [i for i, a in enumerate(found) if "result" in a]
    assert [20_000 + i for i in range(16) if i != rows] == [a["result"]["salary"] for a in found if "result" in a]
    assert [f"household [{rows}]: parameter [salary] has an invalid value: [-1]"] == found[rows]["errors"]

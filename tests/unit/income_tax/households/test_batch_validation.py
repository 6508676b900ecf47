"""Valid households are parsed as columns, and invalid or unusual households individually."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from income_tax.households.batch_validation import ParsedBatch, parse_objects
from income_tax.households.validation import HouseholdSchema
from income_tax.tax.compiled_law import Law
from income_tax.tax.models import DatedAssessment, Household
from income_tax.tax.schedule_parser import parse_schedules
from income_tax.tax.vectorized import Households, assess_dated
from tests.support.data import schedules
from tests.support.table_parser import parse_rows

YEARS = schedules().years
NAMES = ("married", "children", "salary", "year", "single_parent", "spouse_salary")
GOOD: list[tuple[Any, ...]] = [
    ("yes", 0, 0, 2018, "no", 0),
    ("oui", 99, 999_999_999, 2025, "non", 999_999_999),
    ("no", 1, 1, 2024, "yes", 0),
    ("non", 0, 1, 2024, "no", 0),
    ("yes", 1, 1, 2024, "no", 1),
]
WRONG: list[tuple[Any, ...]] = [
    ("maybe", 0, 0, 2018, "no", 0),
    ("yes", 100, 0, 2018, "no", 0),
    ("yes", 0, 1_000_000_000, 2018, "no", 0),
    ("yes", 0, 0, 2017, "no", 0),
    ("yes", 1, 0, 2018, "yes", 0),
    ("no", 0, 0, 2018, "yes", 0),
    ("no", 0, 0, 2018, "no", 1),
]


def as_objects(rows: list[tuple[Any, ...]]) -> ParsedBatch:
    return parse_objects([dict(zip(NAMES, row, strict=True)) for row in rows], YEARS)


def as_table(rows: list[tuple[Any, ...]]) -> ParsedBatch:
    return parse_rows(NAMES, [[str(cell) for cell in row] for row in rows], YEARS)


@pytest.fixture
def parsed_alone(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that collects the salaries of the individually parsed households."""
    taken: list[object] = []
    parse_alone = HouseholdSchema.parse

    def note(schema: HouseholdSchema, pairs: Any, *arguments: Any) -> Any:
        taken.append(dict(pairs).get("salary"))
        return parse_alone(schema, pairs, *arguments)

    monkeypatch.setattr(HouseholdSchema, "parse", note)
    return taken


def list_rows(many: ParsedBatch) -> list[tuple[Any, ...]]:
    """Return the households as rows of numbers."""
    h = many.households
    names = (h.married, h.children, h.salary, h.year, h.single_parent, h.spouse_salary)
    assert [bool, int, int, int, bool, int] == [type(column.tolist()[0]) for column in names]
    return list(zip(*(column.tolist() for column in names), strict=True))


def convert_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Convert a row of parameters to a row of values."""
    yes = {"yes": True, "oui": True, "no": False, "non": False}
    return yes[row[0]], row[1], row[2], row[3], yes[row[4]], row[5]


@pytest.mark.parametrize("way", [as_objects, as_table])
def test_valid_households_are_parsed_as_columns(
    parsed_alone: list[object], way: Callable[[list[tuple[Any, ...]]], ParsedBatch]
) -> None:
    """Households at every limit are parsed as columns and keep their values."""
    many = way(GOOD)
    assert ([], {}) == (parsed_alone, many.errors)
    assert [convert_row(row) for row in GOOD] == list_rows(many)


def test_empty_cells(parsed_alone: list[object]) -> None:
    """An empty cell means an absent value. If the value is required, the row is parsed individually."""
    header = ["married", "children", "salary", "year", "single_parent", "spouse_salary"]
    many = parse_rows(header, [["yes", "1", "7", "", "", ""], ["no", "1", "7", "2020", "yes", ""]], YEARS)
    assert [(True, 1, 7, 0, False, 0), (False, 1, 7, 2020, True, 0)] == list_rows(many)
    assert [] == parsed_alone
    many = parse_rows(header, [["", "1", "7", "", "", ""], ["no", "", "7", "", "", ""]], YEARS)
    assert ({0, 1}, 2) == (set(many.errors), len(parsed_alone))


@pytest.mark.parametrize("way", [as_objects, as_table])
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_invalid_households_are_parsed_alone(
    parsed_alone: list[object], way: Callable[[list[tuple[Any, ...]]], ParsedBatch], wrong: tuple[Any, ...]
) -> None:
    """An invalid or contradictory household is parsed individually. It has an error, and all its values are 0."""
    many = way([GOOD[0], wrong, GOOD[2]])
    assert 1 == len(parsed_alone)
    assert [1] == list(many.errors)
    assert [convert_row(GOOD[0]), (False, 0, 0, 0, False, 0), convert_row(GOOD[2])] == list_rows(many)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"single_parent": "no"}, "parameter [single_parent] needs [year]: the rules without a year do not use it"),
        ({"spouse_salary": 0}, "parameter [spouse_salary] needs [year]: the rules without a year do not use it"),
        ({}, None),
        ({"year": 2024}, None),
    ],
)
def test_parameters_that_need_a_year(parsed_alone: list[object], given: dict[str, Any], error: str | None) -> None:
    """Without a year, an object or a row with `single_parent` or `spouse_salary` is rejected."""
    one = {"married": "no", "children": 1, "salary": 5} | given
    for many in (parse_objects([one], YEARS), parse_rows([*one], [[*map(str, one.values())]], YEARS)):
        assert ([[error]] if error else []) == [found.errors for found in many.errors.values()]
        if not error:
            assert [(False, 1, 5, given.get("year", 0), False, 0)] == list_rows(many)
    assert (2 if error else 0) == len(parsed_alone)


def test_objects_and_rows_of_several_shapes(parsed_alone: list[object]) -> None:
    """Objects with the same parameter names share columns. A row with another number of cells has its own error."""
    plain = {"married": "yes", "children": 1, "salary": 7}
    many = parse_objects(
        [plain, {"salaire": 8, "marie": "non", "enfants": 0, "annee": 2020}, plain | {"year": 2019}], YEARS
    )
    assert [(True, 1, 7, 0, False, 0), (False, 0, 8, 2020, False, 0), (True, 1, 7, 2019, False, 0)] == list_rows(many)
    many = parse_rows(["salary", "married", "children"], [["7", "yes", "1"], ["7", "yes"], ["9", "no", "0"]], YEARS)
    assert [1] == list(many.errors)
    assert [(True, 1, 7, 0, False, 0), (False, 0, 0, 0, False, 0), (False, 0, 9, 0, False, 0)] == list_rows(many)
    assert [] == parsed_alone


@pytest.mark.parametrize(
    ("cell", "salary", "alone"),
    [
        ("999999999", 999_999_999, False),
        ("0000000001", None, True),
        ("5.0", 5, True),
        ("5.00", None, True),
        (" 5", 5, True),
        ("\u00a05\u202f", 5, True),
        ("٣", None, True),
        ("", None, True),
    ],
)
def test_numbers_in_text(parsed_alone: list[object], cell: str, salary: int | None, alone: bool) -> None:
    """Plain digits without leading zeros are parsed as a column. A row with another spelling is parsed individually."""
    many = parse_rows(["married", "children", "salary"], [["yes", "0", cell]], YEARS)
    assert [salary or 0] == many.households.salary.tolist()
    assert (salary is None) == bool(many.errors)
    assert alone == bool(parsed_alone)


@pytest.mark.parametrize(("cell", "salary"), [(" 5", 5), ("5 ", 5), ("x", None), ("1000000000", None)])
def test_optional_numbers_in_text(cell: str, salary: int | None) -> None:
    """A number with an unusual spelling is never treated as an empty cell."""
    names = ["married", "children", "salary", "year", "spouse_salary"]
    many = parse_rows(names, [["yes", "0", "7", "2024", cell]], YEARS)
    assert (salary is None) == bool(many.errors)
    assert [salary or 0] == many.households.spouse_salary.tolist()


def test_integers_with_a_decimal_point_in_json(parsed_alone: list[object]) -> None:
    """A JSON number without a fraction, such as 7.0 or -0.0, is an integer (JSON Schema 2020-12)."""
    many = as_objects([("yes", -0.0, 5e4, 2018.0, "no", 0), ("yes", 2.0, 7, 2018, "no", 7.0)])
    assert ({}, []) == (many.errors, parsed_alone)
    assert [(True, 0, 50_000, 2018, False, 0), (True, 2, 7, 2018, False, 7)] == list_rows(many)


def test_absent_values_of_a_row_that_is_parsed_alone() -> None:
    """A row that is parsed individually has zeros for absent values and does not affect other rows."""
    many = parse_rows(
        ["married", "children", "salary"], [["no", "1", "7"], ["yes", "0", " 5"], ["no", "2", "9"]], YEARS
    )
    assert [(False, 1, 7, 0, False, 0), (True, 0, 5, 0, False, 0), (False, 2, 9, 0, False, 0)] == list_rows(many)


def test_columns_are_households() -> None:
    """The columns convert to households with all their values. A household without a year has the year None."""
    dated = [dict(zip(NAMES, row, strict=True)) for row in GOOD]
    many = parse_objects([{"married": "yes", "children": 2, "salary": 7}, *dated], YEARS)
    assert [Household(True, 2, 7), *(Household(*convert_row(row)) for row in GOOD)] == list(many.households)


def test_errors_have_the_language_of_the_header() -> None:
    """The error about a missing value contains the parameter's name as in the header."""
    for header in (["married", "children", "salary"], ["marié", "enfants", "salaire"]):
        (error,) = parse_rows(header, [["", "7", ""]], YEARS).errors.values()
        assert [f"parameter [{header[place]}] is missing" for place in (0, 2)] == error.errors


@pytest.mark.parametrize("value", [2**70, -(2**70), 1.5, float(2**53), True, "5", None])
def test_one_value_that_is_not_a_number(parsed_alone: list[object], value: object) -> None:
    """A value that is not a number does not affect the other values of its column."""
    rows = [GOOD[0], ("yes", 0, value, 2018, "no", 0), GOOD[1]]
    many = as_objects(rows)
    assert ([value], [1]) == (parsed_alone, list(many.errors))
    assert [0, 0, 999_999_999] == many.households.salary.tolist()


@pytest.mark.parametrize("value", [[], {}, True, 1, None])
def test_one_value_that_is_neither_yes_nor_no(parsed_alone: list[object], value: object) -> None:
    """An invalid value in a column of yes-or-no values affects only its own household."""
    many = as_objects([GOOD[0], (value, 0, 7, 2018, "no", 0), GOOD[1]])
    assert ([7], [1]) == (parsed_alone, list(many.errors))
    assert [True, False, True] == many.households.married.tolist()


def build_law(fine: bool) -> Law:
    """Return the law of 2024. If `fine` is true, its constants have too many decimals for 64-bit arrays."""
    data = copy.deepcopy(schedules().data)
    if fine:
        data["schedules"]["2024"]["scale"]["brackets"][1]["rate"] = "0.1237"
        data["schedules"]["2024"]["scale"]["brackets"][3]["upper_limit"] = "180294.1237"
    law = parse_schedules(data).years[2024]
    assert law.fits_arrays is not fine
    return law


@pytest.mark.parametrize("fine", [False, True])
def test_columns_equal_one_by_one(fine: bool) -> None:
    """Columns and single households give the same whole amounts, even if constants do not fit into 64-bit arrays."""
    law, many = build_law(fine), as_objects([(*row[:3], 2024, *row[4:]) for row in GOOD])
    found = assess_dated(many.households, law)
    owed = [law.assess(household) for household in many.households]
    assert [*zip(*(column.tolist() for column in found.values()), strict=True)] == [tuple(one) for one in owed]
    assert [type(amount) for amount in owed[0]] == [type(column.tolist()[0]) for column in found.values()]


@pytest.mark.parametrize("fine", [False, True])
def test_empty_batch(fine: bool) -> None:
    """The results of an empty batch are empty columns, even if constants do not fit into 64-bit arrays."""
    none, no = np.zeros(0, np.int64), np.zeros(0, bool)
    found = assess_dated(Households(none, no, no, none, none, none), build_law(fine))
    assert dict.fromkeys(DatedAssessment._fields, 0) == {name: len(column) for name, column in found.items()}

"""Good households are taken as columns, and only those that are not go through the reading of single ones."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from income_tax.households.batch_validation import Many, read_objects, read_rows
from income_tax.households.validation import Reading
from income_tax.tax.law import Law
from income_tax.tax.models import DatedAssessment, Household
from income_tax.tax.schedule_data import parse_schedules
from income_tax.tax.vectorized import Households, assess_dated, may_owe_cdhr
from tests.support.data import schedules

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


def as_objects(rows: list[tuple[Any, ...]]) -> Many:
    return read_objects([dict(zip(NAMES, row, strict=True)) for row in rows], YEARS)


def as_table(rows: list[tuple[Any, ...]]) -> Many:
    return read_rows(NAMES, [[str(cell) for cell in row] for row in rows], YEARS)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was read by itself."""
    taken: list[object] = []
    values = Reading.values

    def note(reading: Reading, pairs: Any, *arguments: Any) -> Any:
        taken.append(dict(pairs).get("salary"))
        return values(reading, pairs, *arguments)

    monkeypatch.setattr(Reading, "values", note)
    return taken


def columns(many: Many) -> list[tuple[Any, ...]]:
    """The households as rows of numbers."""
    h = many.households
    names = (h.married, h.children, h.salary, h.year, h.single_parent, h.spouse_salary)
    assert [bool, int, int, int, bool, int] == [type(column.tolist()[0]) for column in names]
    return list(zip(*(column.tolist() for column in names), strict=True))


def numbers(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row as numbers."""
    yes = {"yes": True, "oui": True, "no": False, "non": False}
    return yes[row[0]], row[1], row[2], row[3], yes[row[4]], row[5]


@pytest.mark.parametrize("way", [as_objects, as_table])
def test_good_households_are_not_read_by_themselves(
    read: list[object], way: Callable[[list[tuple[Any, ...]]], Many]
) -> None:
    """Households at every limit are taken as columns, with the values that were given."""
    many = way(GOOD)
    assert ([], {}) == (read, many.errors)
    assert [numbers(row) for row in GOOD] == columns(many)


def test_empty_cells_are_not_read_by_themselves(read: list[object]) -> None:
    """What a row leaves empty is not given; an empty cell of a column that is required is read by itself."""
    header = ["married", "children", "salary", "year", "single_parent", "spouse_salary"]
    many = read_rows(header, [["yes", "1", "7", "", "", ""], ["no", "1", "7", "2020", "yes", ""]], YEARS)
    assert [(True, 1, 7, 0, False, 0), (False, 1, 7, 2020, True, 0)] == columns(many)
    assert [] == read
    many = read_rows(header, [["", "1", "7", "", "", ""], ["no", "", "7", "", "", ""]], YEARS)
    assert ({0, 1}, 2) == (set(many.errors), len(read))


@pytest.mark.parametrize("way", [as_objects, as_table])
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_household_is_read_by_itself(
    read: list[object], way: Callable[[list[tuple[Any, ...]]], Many], wrong: tuple[Any, ...]
) -> None:
    """What is wrong, or contradicts itself, is read alone, and has an error and no values."""
    many = way([GOOD[0], wrong, GOOD[2]])
    assert 1 == len(read)
    assert [1] == list(many.errors)
    assert [numbers(GOOD[0]), (False, 0, 0, 0, False, 0), numbers(GOOD[2])] == columns(many)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"single_parent": "no"}, "parameter [single_parent] needs [year]: the rules without a year have none"),
        ({"spouse_salary": 0}, "parameter [spouse_salary] needs [year]: the rules without a year have none"),
        ({}, None),
        ({"year": 2024}, None),
    ],
)
def test_what_needs_a_year(read: list[object], given: dict[str, Any], error: str | None) -> None:
    """Without a year there is neither a single parent nor a second salary, as an object or as a row."""
    one = {"married": "no", "children": 1, "salary": 5} | given
    for many in (read_objects([one], YEARS), read_rows([*one], [[*map(str, one.values())]], YEARS)):
        assert ([[error]] if error else []) == [found.errors for found in many.errors.values()]
        if not error:
            assert [(False, 1, 5, given.get("year", 0), False, 0)] == columns(many)
    assert (2 if error else 0) == len(read)


def test_objects_of_several_shapes_and_rows_of_several_widths(read: list[object]) -> None:
    """Each shape of objects is a table of its own; a row of another width is read by itself."""
    plain = {"married": "yes", "children": 1, "salary": 7}
    many = read_objects(
        [plain, {"salaire": 8, "marie": "non", "enfants": 0, "annee": 2020}, plain | {"year": 2019}], YEARS
    )
    assert [(True, 1, 7, 0, False, 0), (False, 0, 8, 2020, False, 0), (True, 1, 7, 2019, False, 0)] == columns(many)
    many = read_rows(["salary", "married", "children"], [["7", "yes", "1"], ["7", "yes"], ["9", "no", "0"]], YEARS)
    assert [1] == list(many.errors)
    assert [(True, 1, 7, 0, False, 0), (False, 0, 0, 0, False, 0), (False, 0, 9, 0, False, 0)] == columns(many)
    assert [] == read


@pytest.mark.parametrize(
    ("cell", "salary", "alone"),
    [("999999999", 999_999_999, False), ("0000000001", 1, True), (" 5", 5, True), ("٣", None, True), ("", None, True)],
)
def test_a_number_as_text(read: list[object], cell: str, salary: int | None, alone: bool) -> None:
    """Up to nine plain digits are a number at once; what is written another way is read by itself."""
    many = read_rows(["married", "children", "salary"], [["yes", "0", cell]], YEARS)
    assert [salary or 0] == many.households.salary.tolist()
    assert (salary is None) == bool(many.errors)
    assert alone == bool(read)


@pytest.mark.parametrize(("cell", "salary"), [(" 5", 5), ("5 ", 5), ("x", None), ("1000000000", None)])
def test_a_number_that_may_be_missing(cell: str, salary: int | None) -> None:
    """A cell that is filled is never taken for an empty one, though its number is written in an unusual way."""
    names = ["married", "children", "salary", "year", "spouse_salary"]
    many = read_rows(names, [["yes", "0", "7", "2024", cell]], YEARS)
    assert (salary is None) == bool(many.errors)
    assert [salary or 0] == many.households.spouse_salary.tolist()


def test_what_a_row_that_is_read_by_itself_leaves_out() -> None:
    """What such a row does not name is nothing, as in any other; the rows around it stay as they are."""
    many = read_rows(["married", "children", "salary"], [["no", "1", "7"], ["yes", "0", " 5"], ["no", "2", "9"]], YEARS)
    assert [(False, 1, 7, 0, False, 0), (True, 0, 5, 0, False, 0), (False, 2, 9, 0, False, 0)] == columns(many)


def test_columns_are_households_one_by_one() -> None:
    """Each household of the columns has all its values, and no year where the rules `v7` hold."""
    dated = [dict(zip(NAMES, row, strict=True)) for row in GOOD]
    many = read_objects([{"married": "yes", "children": 2, "salary": 7}, *dated], YEARS)
    assert [Household(True, 2, 7), *(Household(*numbers(row)) for row in GOOD)] == list(many.households)


def test_an_empty_row_is_told_in_the_language_of_its_header() -> None:
    """What is missing has the name that the first line gives it."""
    for header in (["married", "children", "salary"], ["marié", "enfants", "salaire"]):
        (error,) = read_rows(header, [["", "", ""]], YEARS).errors.values()
        assert [f"parameter [{name}] is missing" for name in header] == error.errors


@pytest.mark.parametrize("value", [2**70, -(2**70), 1.0, True, "5", None])
def test_one_value_that_is_no_number(read: list[object], value: object) -> None:
    """A value that is no number of the column leaves the others of its column alone."""
    rows = [GOOD[0], ("yes", 0, value, 2018, "no", 0), GOOD[1]]
    many = as_objects(rows)
    assert ([value], [1]) == (read, list(many.errors))
    assert [0, 0, 999_999_999] == many.households.salary.tolist()


@pytest.mark.parametrize("value", [[], {}, True, 1, None])
def test_one_value_that_is_neither_yes_nor_no(read: list[object], value: object) -> None:
    """A value of any kind in a column of yes and no is an error of its household alone."""
    many = as_objects([GOOD[0], (value, 0, 7, 2018, "no", 0), GOOD[1]])
    assert ([7], [1]) == (read, list(many.errors))
    assert [True, False, True] == many.households.married.tolist()


def test_to_whom_the_note_on_the_cdhr_is_due() -> None:
    """The note is due above the threshold of the household's kind, and in no year without one."""
    taxable = np.array([250_000, 250_001, 500_000, 500_001])
    for married, wanted in ((False, [False, True, True, True]), (True, [False, False, False, True])):
        flags = np.full(4, married)
        assert wanted == may_owe_cdhr(YEARS[2025], flags, taxable).tolist()
        assert [False] * 4 == may_owe_cdhr(YEARS[2024], flags, taxable).tolist()


def law_of_2024(fine: bool) -> Law:
    """The law of 2024, or one with figures so `fine` that 64 bits do not hold what arrays would calculate."""
    data = copy.deepcopy(schedules().data)
    if fine:
        data["schedules"]["2024"]["scale"]["brackets"][1]["rate"] = "0.1237"
        data["schedules"]["2024"]["scale"]["brackets"][3]["upper_limit"] = "180294.1237"
    law = parse_schedules(data).years[2024]
    assert law.fits_arrays is not fine
    return law


@pytest.mark.parametrize("fine", [False, True])
def test_columns_are_what_each_household_owes(fine: bool) -> None:
    """The amounts of columns are whole euros, those of the households one by one, whatever the figures are like."""
    law, many = law_of_2024(fine), as_objects([(*row[:3], 2024, *row[4:]) for row in GOOD])
    found = assess_dated(many.households, law)
    owed = [law.assess(household) for household in many.households]
    assert [*zip(*(column.tolist() for column in found.values()), strict=True)] == [tuple(one) for one in owed]
    assert [type(amount) for amount in owed[0]] == [type(column.tolist()[0]) for column in found.values()]


@pytest.mark.parametrize("fine", [False, True])
def test_no_households_at_all(fine: bool) -> None:
    """No household gives empty columns, also by a law that arrays do not fit."""
    none, no = np.zeros(0, np.int64), np.zeros(0, bool)
    found = assess_dated(Households(none, no, no, none, none, none), law_of_2024(fine))
    assert dict.fromkeys(DatedAssessment._fields, 0) == {name: len(column) for name, column in found.items()}

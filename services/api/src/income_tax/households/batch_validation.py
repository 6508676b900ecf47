"""Many households in one body: what is good becomes columns, what is not keeps its own errors.

Whole columns are checked at once; only a household that does not pass goes through the reading that a single one gets,
which finds the words for what is wrong with it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from income_tax.http.requests.body import pairs_of_object
from income_tax.tax.vectorized import Households, Numbers, Truths

from .columns import json_column, text_column
from .parameters import (
    BY_NAME,
    CHILDREN,
    HOUSEHOLD,
    MARRIED,
    SALARY,
    SINGLE_PARENT,
    SPOUSE_SALARY,
    YEAR,
    JsonForm,
    Parameter,
    TextForm,
)
from .validation import ParameterError, Reading

REQUIRED = {parameter for parameter in HOUSEHOLD if parameter.required}
OBJECT, ROW = Reading(HOUSEHOLD, JsonForm()), Reading(HOUSEHOLD, TextForm())


@dataclass(frozen=True, slots=True)
class Many:
    """Households in the order of the request: rows of `households` are good but for those that `errors` has."""

    households: Households
    errors: dict[int, ParameterError]


class Table:
    """Columns that are being filled; a household is good as long as nothing is wrong in its row."""

    def __init__(self, length: int, years: Collection[int]) -> None:
        self._years = np.array(sorted(years))
        self._numbers: dict[Parameter, Numbers] = {p: np.zeros(length, np.int64) for p in HOUSEHOLD}
        self._given: dict[Parameter, Truths] = {p: np.zeros(length, bool) for p in HOUSEHOLD}
        self.good = np.zeros(length, bool)

    def fill(self, rows: Sequence[int] | slice, columns: dict[Parameter, Numbers], given: dict[Parameter, Any]) -> None:
        """Set the values of some rows; WRONG is one that cannot be taken."""
        fine: Any = True
        for parameter, numbers in columns.items():
            self._numbers[parameter][rows] = numbers
            self._given[parameter][rows] = given.get(parameter, True)
            highest = parameter.maximum if parameter.maximum is not None else 1
            fine = fine & (numbers >= 0) & (numbers <= highest)
        self.good[rows] = fine

    def put(self, row: int, values: dict[Parameter, int]) -> None:
        """Set the values of one row that was read by itself."""
        for parameter in HOUSEHOLD:
            self._numbers[parameter][row] = values.get(parameter, 0)
        self.good[row] = True

    def check(self) -> None:
        """Take out what contradicts itself, as `Reading` has it."""
        n = self._numbers
        dated = self._given[YEAR]
        alone, married = n[SINGLE_PARENT] == 1, n[MARRIED] == 1
        self.good &= ~dated | np.isin(n[YEAR], self._years)
        self.good &= dated | ~(self._given[SINGLE_PARENT] | self._given[SPOUSE_SALARY])
        self.good &= ~(alone & (married | (n[CHILDREN] == 0)))
        self.good &= ~((n[SPOUSE_SALARY] > 0) & ~married)

    def households(self) -> Households:
        """The columns; a row that is not good is a household that has nothing."""
        n = {parameter: np.where(self.good, numbers, 0) for parameter, numbers in self._numbers.items()}
        flags = n[MARRIED] == 1, n[SINGLE_PARENT] == 1
        return Households(n[YEAR], *flags, n[CHILDREN], n[SALARY], n[SPOUSE_SALARY])


def finish(
    table: Table,
    pairs_of: Callable[[int], Collection[tuple[str, Any]]],
    reading: Reading,
    years: Collection[int],
    named: Collection[str] = (),
) -> Many:
    """Read by itself what did not pass as part of a column; `named` are the names of columns."""
    table.check()
    errors = {}
    for row in np.flatnonzero(~table.good).tolist():
        try:
            table.put(row, reading.values(pairs_of(row), years, named))
        except ParameterError as error:
            errors[row] = error
    return Many(table.households(), errors)


def read_objects(items: Sequence[Any], years: Collection[int]) -> Many:
    """The households of a JSON array."""
    table = Table(len(items), years)
    shapes: dict[tuple[str, ...], list[int]] = {}
    for row, item in enumerate(items):
        if type(item) is dict:
            shapes.setdefault(tuple(item), []).append(row)
    for names, rows in shapes.items():
        parameters = [BY_NAME.get(name) for name in names]
        if {*parameters} >= REQUIRED and len({*parameters} - {None}) == len(names):
            columns = zip(*(items[row].values() for row in rows), strict=True)
            filled = {p: json_column(p, column) for p, column in zip(parameters, columns, strict=True) if p}
            table.fill(slice(None) if len(rows) == len(items) else rows, filled, {})
    return finish(table, lambda row: pairs_of_object(items[row]), OBJECT, years)


def read_rows(header: Sequence[str], rows: Sequence[Sequence[str]], years: Collection[int]) -> Many:
    """The households of a table of text, whose columns the header names; an empty cell is not given."""
    parameters = [BY_NAME[name] for name in header]
    table = Table(len(rows), years)
    whole = [row for row, cells in enumerate(rows) if len(cells) == len(header)]
    if whole:
        columns = list(zip(*(rows[row] for row in whole), strict=True))
        filled = {p: text_column(p, column) for p, column in zip(parameters, columns, strict=True)}
        given = {p: np.array([*map(bool, column)]) for p, column in zip(parameters, columns, strict=True)}
        table.fill(whole if len(whole) < len(rows) else slice(None), filled, given)
    return finish(table, lambda row: pairs_of_row(header, rows[row]), ROW, years, header)


def pairs_of_row(header: Sequence[str], cells: Sequence[str]) -> Collection[tuple[str, str]]:
    """Names and values of a row."""
    if len(cells) != len(header):
        raise ParameterError([f"it has {len(cells)} fields"], [f"{len(header)} fields, as the first line has"])
    return [(name, cell) for name, cell in zip(header, cells, strict=True) if cell.strip()]

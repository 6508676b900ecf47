"""Vectorized validation of a batch. Households that fail this validation are parsed individually to find all errors."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from income_tax.tax.vectorized import Households, Numbers, Truths

from .parameters_and_decoders import (
    BY_NAME,
    CHILDREN,
    HOUSEHOLD,
    MARRIED,
    SALARY,
    SINGLE_PARENT,
    SPOUSE_SALARY,
    YEAR,
    YES_NO,
    JsonDecoder,
    Parameter,
    TextDecoder,
    Values,
)
from .validation import HouseholdSchema, Pairs, ParameterError, list_members

INVALID = -1  # represents an invalid value in a column
SAFE_DIGITS = 9  # numbers with more digits are parsed individually, because they might exceed 64 bits
REQUIRED = {parameter for parameter in HOUSEHOLD if parameter.required}
JSON_SCHEMA, TEXT_SCHEMA = HouseholdSchema(HOUSEHOLD, JsonDecoder()), HouseholdSchema(HOUSEHOLD, TextDecoder())


@dataclass(frozen=True, slots=True)
class ParsedBatch:
    """The households in the order of the request. The keys of `errors` are the positions of the invalid households."""

    households: Households
    errors: dict[int, ParameterError]


class ColumnBuilder:
    """Collects the columns of a batch, and marks the valid rows."""

    def __init__(self, length: int, years: Collection[int]) -> None:
        self._years = np.array(sorted(years))
        self._numbers: dict[Parameter, Numbers] = {p: np.zeros(length, np.int64) for p in HOUSEHOLD}
        self._present: dict[Parameter, Truths] = {p: np.zeros(length, bool) for p in HOUSEHOLD}
        self.valid = np.zeros(length, bool)

    def set_columns(
        self, rows: Sequence[int] | slice, columns: dict[Parameter, Numbers], present: dict[Parameter, Any]
    ) -> None:
        """Set the values of the given rows. A parameter without an entry in `present` has a value in all these rows."""
        valid: Any = True
        for parameter, numbers in columns.items():
            self._numbers[parameter][rows] = numbers
            self._present[parameter][rows] = present.get(parameter, True)
            highest = parameter.maximum if parameter.maximum is not None else 1
            valid = valid & (numbers >= 0) & (numbers <= highest)
        self.valid[rows] = valid

    def set_row(self, row: int, values: Values) -> None:
        """Set the values of one row that was parsed individually, and mark the row as valid."""
        for parameter in HOUSEHOLD:
            self._numbers[parameter][row] = values.get(parameter, 0)
        self.valid[row] = True

    def reject_contradictions(self) -> None:
        """Mark rows as invalid if their year is unknown, or if `find_contradictions` would find a contradiction."""
        n = self._numbers
        dated = self._present[YEAR]
        alone, married = n[SINGLE_PARENT] == 1, n[MARRIED] == 1
        self.valid &= ~dated | np.isin(n[YEAR], self._years)
        self.valid &= dated | ~(self._present[SINGLE_PARENT] | self._present[SPOUSE_SALARY])
        self.valid &= ~(alone & (married | (n[CHILDREN] == 0)))
        self.valid &= ~((n[SPOUSE_SALARY] > 0) & ~married)

    def build(self) -> Households:
        """Build the households. All values of an invalid row are zero."""
        n = {parameter: np.where(self.valid, numbers, 0) for parameter, numbers in self._numbers.items()}
        flags = n[MARRIED] == 1, n[SINGLE_PARENT] == 1
        return Households(n[YEAR], *flags, n[CHILDREN], n[SALARY], n[SPOUSE_SALARY])


def parse_objects(items: Sequence[Any], years: Collection[int]) -> ParsedBatch:
    """Parse the households of a JSON array."""
    builder = ColumnBuilder(len(items), years)
    rows_by_names: dict[tuple[str, ...], list[int]] = {}
    for row, item in enumerate(items):
        if type(item) is dict:
            rows_by_names.setdefault(tuple(item), []).append(row)
    for names, rows in rows_by_names.items():
        parameters = [BY_NAME.get(name) for name in names]
        if {*parameters} >= REQUIRED and len({*parameters} - {None}) == len(names):
            columns = zip(*(items[row].values() for row in rows), strict=True)
            parsed = {p: parse_json_column(p, column) for p, column in zip(parameters, columns, strict=True) if p}
            builder.set_columns(slice(None) if len(rows) == len(items) else rows, parsed, {})
    return parse_invalid_rows(builder, lambda row: list_members(items[row]), JSON_SCHEMA, years)


def parse_rows(header: Sequence[str], rows: Sequence[Sequence[str]], years: Collection[int]) -> ParsedBatch:
    """Parse the households of a text table. The header names the columns, and an empty cell is a missing value."""
    parameters = [BY_NAME[name] for name in header]
    builder = ColumnBuilder(len(rows), years)
    whole = [row for row, cells in enumerate(rows) if len(cells) == len(header)]
    if whole:
        columns = list(zip(*(rows[row] for row in whole), strict=True))
        parsed = {p: parse_text_column(p, column) for p, column in zip(parameters, columns, strict=True)}
        present = {p: np.array([*map(bool, column)]) for p, column in zip(parameters, columns, strict=True)}
        builder.set_columns(whole if len(whole) < len(rows) else slice(None), parsed, present)
    return parse_invalid_rows(builder, lambda row: pair_cells(header, rows[row]), TEXT_SCHEMA, years, header)


def parse_json_column(parameter: Parameter, column: Sequence[Any]) -> Numbers:
    """Convert a column of JSON values to numbers. Invalid values become INVALID."""
    if parameter.maximum is None:
        return np.array([YES_NO.get(value, INVALID) if type(value) is str else INVALID for value in column], np.int64)
    if {*map(type, column)} != {int}:
        column = [value if type(value) is int else INVALID for value in column]
    try:
        return np.array(column, np.int64)
    except OverflowError:
        return np.array([value if 0 <= value <= (parameter.maximum or 0) else INVALID for value in column], np.int64)


def parse_text_column(parameter: Parameter, column: Sequence[str]) -> Numbers:
    """Convert a column of text to numbers. Unusual text becomes INVALID, and its row is later parsed individually."""
    absent = INVALID if parameter.required else 0
    if parameter.maximum is None:
        return np.array([YES_NO.get(text, INVALID) if text else absent for text in column], np.int64)
    numbers = [
        int(text) if text.isdigit() and text.isascii() and len(text) <= SAFE_DIGITS else INVALID if text else absent
        for text in column
    ]
    return np.array(numbers, np.int64)


def parse_invalid_rows(
    builder: ColumnBuilder,
    read_pairs: Callable[[int], Pairs],
    schema: HouseholdSchema,
    years: Collection[int],
    header: Collection[str] = (),
) -> ParsedBatch:
    """Individually parse each row that is not marked as valid. Then build the batch."""
    builder.reject_contradictions()
    errors = {}
    for row in np.flatnonzero(~builder.valid).tolist():
        try:
            builder.set_row(row, schema.parse(read_pairs(row), years, header))
        except ParameterError as error:
            errors[row] = error
    return ParsedBatch(builder.build(), errors)


def pair_cells(header: Sequence[str], cells: Sequence[str]) -> list[tuple[str, str]]:
    """Pair each nonempty cell with its column name. Raises ParameterError if the number of cells is wrong."""
    if len(cells) != len(header):
        raise ParameterError([f"the row has {len(cells)} fields"], [f"{len(header)} fields, like the first line"])
    return [(name, cell) for name, cell in zip(header, cells, strict=True) if cell.strip()]

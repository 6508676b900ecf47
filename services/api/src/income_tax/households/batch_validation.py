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
    CellDecoder,
    JsonDecoder,
    Parameter,
    Values,
    parse_integer,
)
from .table_rows import TableRows
from .validation import HouseholdSchema, ParameterError, list_members

YES = {word.encode() for word, is_true in YES_NO.items() if is_true}
INVALID = -1  # represents an invalid value in a column
REQUIRED = {parameter for parameter in HOUSEHOLD if parameter.required}
JSON_SCHEMA, CELL_SCHEMA = HouseholdSchema(HOUSEHOLD, JsonDecoder()), HouseholdSchema(HOUSEHOLD, CellDecoder())


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
    return parse_invalid_rows(builder, lambda row: JSON_SCHEMA.parse(list_members(items[row]), years))


def parse_rows(table: TableRows, years: Collection[int]) -> ParsedBatch:
    """Parse the households of a text table. Rows in the usual spelling are parsed as columns."""
    builder = ColumnBuilder(len(table.rows), years)
    plain = [row for row, cells in enumerate(table.rows) if type(cells) is tuple]
    if plain:
        columns = list(zip(*(table.rows[row] for row in plain), strict=True))
        filled = {p: column for p, column in zip(HOUSEHOLD, columns, strict=True) if any(column)}
        parsed = {p: parse_plain_column(p, column) for p, column in filled.items()}
        present = {p: np.array([*map(bool, column)]) for p, column in filled.items() if not p.required}
        builder.set_columns(plain if len(plain) < len(table.rows) else slice(None), parsed, present)

    def parse_alone(row: int) -> Values:
        pairs, names = table.pair_cells(row)
        return CELL_SCHEMA.parse(pairs, years, names)

    return parse_invalid_rows(builder, parse_alone)


def parse_json_column(parameter: Parameter, column: Sequence[Any]) -> Numbers:
    """Convert a column of JSON values to numbers. Invalid values become INVALID."""
    if parameter.maximum is None:
        return np.array([YES_NO.get(value, INVALID) if type(value) is str else INVALID for value in column], np.int64)
    if {*map(type, column)} != {int}:
        column = [INVALID if (number := parse_integer(value)) is None else number for value in column]
    try:
        return np.array(column, np.int64)
    except OverflowError:
        return np.array([value if 0 <= value <= (parameter.maximum or 0) else INVALID for value in column], np.int64)


def parse_plain_column(parameter: Parameter, column: Sequence[bytes]) -> Numbers:
    """Convert a column of cells in the usual spelling to numbers. An empty cell becomes 0."""
    if parameter.maximum is None:
        return np.array([cell in YES for cell in column], np.int64)
    return np.array([int(cell) if cell else 0 for cell in column], np.int64)


def parse_invalid_rows(builder: ColumnBuilder, parse_alone: Callable[[int], Values]) -> ParsedBatch:
    """Individually parse each row that is not marked as valid. Then build the batch."""
    builder.reject_contradictions()
    errors = {}
    for row in np.flatnonzero(~builder.valid).tolist():
        try:
            builder.set_row(row, parse_alone(row))
        except ParameterError as error:
            errors[row] = error
    return ParsedBatch(builder.build(), errors)

"""Calculation of a batch of households, and serialization of the results to JSON or CSV in the order of the batch."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson

from income_tax.tax.compiled_law import Law
from income_tax.tax.models import DatedAssessment
from income_tax.tax.result_notes import Note
from income_tax.tax.schedule_parser import Schedules
from income_tax.tax.vectorized import V7, Households, assess_dated, assess_v7

from .batch_validation import ParsedBatch
from .result_serialization import DATED_FIELDS, V7_FIELDS, YES_NO
from .validation import ParameterError

CSV_FIELDS = (*DATED_FIELDS, "notes", "errors")
STRINGS = ("married", "single_parent")  # fields that are strings in JSON; all other fields are numbers
Notes = tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class AssessedGroup:
    """The results of households with the same rules. `rows` are the positions of the households in the batch."""

    rows: list[int]
    fields: tuple[str, ...]
    columns: Sequence[Sequence[Any]]
    notes: list[Notes]


def find_valid_rows(batch: ParsedBatch) -> Any:
    """Return an array of booleans, which are true at the positions of the valid households."""
    valid = np.ones(len(batch.households.year), bool)
    valid[list(batch.errors)] = False
    return valid


def count_households_by_year(batch: ParsedBatch) -> dict[int | None, int]:
    """Return the number of valid households of each income year. The key None means the rules `v7`."""
    years, counts = np.unique(batch.households.year[find_valid_rows(batch)], return_counts=True)
    pairs = zip(years.tolist(), counts.tolist(), strict=True)
    return {None if year == V7 else year: count for year, count in pairs}


def assess_groups(batch: ParsedBatch, schedules: Schedules) -> Iterator[AssessedGroup]:
    """Yield one group of results for each income year and for the rules `v7`. Invalid households are omitted."""
    valid = find_valid_rows(batch)
    for year in np.unique(batch.households.year[valid]).tolist():
        rows = np.flatnonzero(valid & (batch.households.year == year))
        if year == V7:
            yield assess_v7_group(rows.tolist(), batch.households.take(rows), schedules)
        else:
            yield assess_dated_group(rows.tolist(), batch.households.take(rows), schedules.years[year])


def assess_v7_group(rows: list[int], households: Households, schedules: Schedules) -> AssessedGroup:
    """Assess households under the rules `v7`."""
    results = list(zip(*assess_v7(households, schedules.v7), strict=True))
    declared = [format_yes_no(households.married), households.children.tolist(), households.salary.tolist()]
    return AssessedGroup(rows, V7_FIELDS, [*declared, *results], [()] * len(rows))


def assess_dated_group(rows: list[int], households: Households, law: Law) -> AssessedGroup:
    """Assess households under the law of one income year."""
    h, results = households, assess_dated(households, law)
    declared = [h.year.tolist(), format_yes_no(h.married), format_yes_no(h.single_parent)]
    declared += [h.children.tolist(), h.salary.tolist(), h.spouse_salary.tolist()]
    columns = [*declared, *(results[name].tolist() for name in DatedAssessment._fields)]
    return AssessedGroup(rows, DATED_FIELDS, columns, [law.notes] * len(rows))


def format_yes_no(flags: Any) -> list[str]:
    """Convert a column of booleans to a list of the strings `yes` and `no`."""
    return [YES_NO[flag] for flag in flags.tolist()]


def serialize_json(batch: ParsedBatch, schedules: Schedules) -> bytes:
    """Calculate the batch, and serialize its results as `{"response": {"results": [...]}}`."""
    parts = [""] * len(batch.households.year)
    for row, error in batch.errors.items():
        parts[row] = orjson.dumps({"errors": locate_errors(row, error), "expected": error.expected}).decode()
    for group in assess_groups(batch, schedules):
        members = [f'"{name}":"%s"' if name in STRINGS else f'"{name}":%s' for name in group.fields]
        template = '{"result":{' + ",".join(members) + "%s}}"
        written = {notes: serialize_notes(notes) for notes in set(group.notes)}
        for row, notes, values in zip(group.rows, group.notes, zip(*group.columns, strict=True), strict=True):
            parts[row] = template % (*values, written[notes])
    return ('{"response":{"results":[' + ",".join(parts) + "]}}").encode()


def locate_errors(row: int, error: ParameterError) -> list[str]:
    """Return the error messages of a household, each with the household's index in the batch."""
    return [f"household [{row}]: {sentence}" for sentence in error.errors]


def serialize_notes(notes: Notes) -> str:
    """Serialize notes as the last JSON member of a result, or return an empty string if there are no notes."""
    return ',"notes":' + orjson.dumps([asdict(note) for note in notes]).decode() if notes else ""


def serialize_csv(batch: ParsedBatch, schedules: Schedules) -> bytes:
    """Calculate the batch, and serialize its results as CSV, with a header and one line per household.

    A field without a value is empty.
    """
    parts = [""] * len(batch.households.year)
    for row, error in batch.errors.items():
        parts[row] = serialize_csv_error(row, error)
    for group in assess_groups(batch, schedules):
        template = ",".join("%s" if name in group.fields else "" for name in DATED_FIELDS) + ",%s,"
        order = [group.fields.index(name) for name in DATED_FIELDS if name in group.fields]
        codes = {notes: " ".join(note.code for note in notes) for notes in set(group.notes)}
        columns = [group.columns[index] for index in order]
        for row, notes, values in zip(group.rows, group.notes, zip(*columns, strict=True), strict=True):
            parts[row] = template % (*values, codes[notes])
    return "\r\n".join([",".join(CSV_FIELDS), *parts, ""]).encode()


def serialize_csv_error(row: int, error: ParameterError) -> str:
    """Serialize the errors of a household as a CSV line in which only the last field has a value."""
    line = io.StringIO()
    sentences = [*locate_errors(row, error), *(f"expected {values}" for values in error.expected)]
    csv.writer(line, lineterminator="").writerow([*[""] * (len(CSV_FIELDS) - 1), "; ".join(sentences)])
    return line.getvalue()

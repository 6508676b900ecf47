"""The answer for many households, in their order, as JSON or as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson

from income_tax.tax.law import Law, Note
from income_tax.tax.models import DatedAssessment
from income_tax.tax.schedule_data import Schedules
from income_tax.tax.vectorized import V7, Households, assess_dated, assess_v7, may_owe_cdhr

from .batch_validation import Many
from .serialization import DATED_FIELDS, V7_FIELDS, YES_NO
from .validation import ParameterError

CSV_FIELDS = (*DATED_FIELDS, "notes", "errors")
Notes = tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The results of the households that have the same rules: where they stand, and their columns."""

    rows: list[int]
    fields: tuple[str, ...]
    columns: Sequence[Sequence[Any]]
    notes: list[Notes]


def groups(many: Many, schedules: Schedules) -> Iterator[Group]:
    """The results of all good households, by their rules."""
    good = np.ones(len(many.households.year), bool)
    good[list(many.errors)] = False
    for year in np.unique(many.households.year[good]).tolist():
        rows = np.flatnonzero(good & (many.households.year == year))
        households = many.households.take(rows)
        if year == V7:
            yield v7_group(rows.tolist(), households, schedules)
        else:
            yield dated_group(rows.tolist(), households, schedules.years[year])


def v7_group(rows: list[int], households: Households, schedules: Schedules) -> Group:
    """The results by the rules `v7`."""
    declared = [words(households.married), households.children.tolist(), households.salary.tolist()]
    results = list(zip(*assess_v7(households, schedules.v7), strict=True))
    return Group(rows, V7_FIELDS, [*declared, *results], [()] * len(rows))


def dated_group(rows: list[int], households: Households, law: Law) -> Group:
    """The results by the law of a year."""
    h, results = households, assess_dated(households, law)
    declared = [h.year.tolist(), words(h.married), words(h.single_parent)]
    declared += [h.children.tolist(), h.salary.tolist(), h.spouse_salary.tolist()]
    kinds = law.build_notes()
    high = may_owe_cdhr(law, h.married, results["taxable_income"]).tolist()
    columns = [*declared, *(results[name].tolist() for name in DatedAssessment._fields)]
    return Group(rows, DATED_FIELDS, columns, [kinds[flag] for flag in high])


def words(flags: Any) -> list[str]:
    """A column of yes and no."""
    return [YES_NO[flag] for flag in flags.tolist()]


def as_json(many: Many, schedules: Schedules) -> bytes:
    """`{"response": {"results": [...]}}`."""
    parts = [""] * len(many.households.year)
    for row, error in many.errors.items():
        parts[row] = orjson.dumps({"errors": errors_of(row, error), "expected": error.expected}).decode()
    for group in groups(many, schedules):
        form = '{"result":{' + ",".join(f'"{name}":{json_form(name)}' for name in group.fields) + "%s}}"
        notes = {kind: json_notes(kind) for kind in set(group.notes)}
        for row, note, values in zip(group.rows, group.notes, zip(*group.columns, strict=True), strict=True):
            parts[row] = form % (*values, notes[note])
    return ('{"response":{"results":[' + ",".join(parts) + "]}}").encode()


def errors_of(row: int, error: ParameterError) -> list[str]:
    """The errors of a household, each with its place among the others."""
    return [f"household [{row}]: {sentence}" for sentence in error.errors]


def json_form(name: str) -> str:
    """How a column's values are written: numbers of Python are numbers of JSON."""
    return '"%s"' if name in ("married", "single_parent") else "%s"


def json_notes(notes: Notes) -> str:
    """The notes as the last member of a result."""
    return ',"notes":' + orjson.dumps([asdict(note) for note in notes]).decode() if notes else ""


def as_csv(many: Many, schedules: Schedules) -> bytes:
    """A line of names, then a line for each household; what a result or an error does not have is empty."""
    parts = [""] * len(many.households.year)
    for row, error in many.errors.items():
        line = io.StringIO()
        cells = [""] * (len(CSV_FIELDS) - 1)
        told = "; ".join([*errors_of(row, error), *(f"expected {what}" for what in error.expected)])
        csv.writer(line, lineterminator="").writerow([*cells, told])
        parts[row] = line.getvalue()
    for group in groups(many, schedules):
        form = ",".join("%s" if name in group.fields else "" for name in DATED_FIELDS) + ",%s,"
        order = [group.fields.index(name) for name in DATED_FIELDS if name in group.fields]
        notes = {kind: " ".join(note.code for note in kind) for kind in set(group.notes)}
        columns = [group.columns[place] for place in order]
        for row, note, values in zip(group.rows, group.notes, zip(*columns, strict=True), strict=True):
            parts[row] = form % (*values, notes[note])
    return "\r\n".join([",".join(CSV_FIELDS), *parts, ""]).encode()

"""The tax schedules, checked and ready to calculate with, and a version that tells them apart."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from .brackets import Bracket, ScheduleError, build, check_brackets, exact
from .law import Law
from .v7 import V7Schedule

# The form of db/init/schedules.json: {"parameters": {name: its words}, "schedules": {schedule: {name: its figures}}},
# all numbers as text.
Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Schedules:
    """All schedules, ready to calculate with; the version is a digest of their figures, sources and words."""

    version: str
    v7: V7Schedule
    years: Mapping[int, Law]
    data: Data


def parse(data: Data) -> Schedules:
    """The schedules, checked; ScheduleError says what is missing or wrong."""
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    try:
        articles = {name: words["article"] for name, words in data["parameters"].items()}
        schedules: Mapping[str, Any] = data["schedules"]
        v7 = build_v7(schedules["v7"]) if "v7" in schedules else None
        years = {int(name): build_law(name, schedules[name], articles) for name in sorted(schedules) if is_year(name)}
    except (AttributeError, KeyError, TypeError, ArithmeticError) as error:
        raise ScheduleError(f"the schedules are malformed: {type(error).__name__} {error}") from error
    if v7 is None or not years:
        raise ScheduleError("there must be a schedule v7, and one of an income year at least")
    return Schedules(digest[:12], v7, years, data)


def is_year(schedule: str) -> bool:
    """Whether a schedule is that of an income year."""
    return schedule.isascii() and schedule.isdigit() and len(schedule) == 4


def build_v7(figures: Mapping[str, Any]) -> V7Schedule:
    """The schedule of the rules `v7`."""
    rows = figures["scale"]["brackets"]
    limits = [row["upper_limit"] for row in rows]
    brackets = [
        Bracket(None if limit is None else scaled(limit), scaled(row["rate"]), scaled(row["constant"]))
        for row, limit in zip(rows, limits, strict=True)
    ]
    return build(
        V7Schedule, brackets, {n: scaled(figure["value"]) for n, figure in figures.items() if "value" in figure}
    )


def build_law(name: str, figures: Mapping[str, Any], articles: Mapping[str, str]) -> Law:
    """The law of an income year."""
    constants = {n: Fraction(scaled(figure["value"]), 10_000) for n, figure in figures.items() if "value" in figure}
    scales = {n: scale_of(figure["brackets"]) for n, figure in figures.items() if "brackets" in figure}
    try:
        return Law(int(name), constants, scales, articles)
    except ScheduleError as error:
        raise ScheduleError(f"schedule {name}: {error}") from error


def scale_of(rows: list[dict[str, str | None]]) -> list[tuple[Fraction, Fraction]]:
    """Where each bracket begins, and its rate."""
    check_brackets([Bracket(limit_of(row), 0, 0) for row in rows])
    begins = [Fraction(0), *(Fraction(limit_of(row) or 0, 10_000) for row, _ in pairwise(rows))]
    return [(above, Fraction(scaled(str(row["rate"])), 10_000)) for above, row in zip(begins, rows, strict=True)]


def limit_of(row: Mapping[str, str | None]) -> int | None:
    """Up to where a bracket reaches, in ten-thousandths; None: without limit."""
    limit = row["upper_limit"]
    return None if limit is None else scaled(limit)


def scaled(number: str) -> int:
    """A number in ten-thousandths."""
    return exact(Decimal(number))

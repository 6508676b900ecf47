"""Parser and validator of the tax schedules."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeVar

from .brackets import SCALE, Bracket, Scale, ScheduleError, build_schedule, check_brackets, check_figures, scale_exactly
from .compiled_law import Law
from .simplified_v7_rules import V7Schedule

# The format of db/init/schedules.json is {"parameters": {name: texts}, "schedules": {schedule: {name: figure}}}. A
# figure is either a constant or a scale. All numbers are strings.
Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Schedules:
    """All tax schedules. `version` is a digest of `data`, which includes the values, sources and texts."""

    version: str
    v7: V7Schedule
    years: Mapping[int, Law]
    data: Data


def parse_schedules(data: Data) -> Schedules:
    """Validate the data and build the schedules. Raises ScheduleError if a constant or scale is missing or invalid."""
    digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    try:
        articles = {name: words["article"] for name, words in data["parameters"].items()}
        schedules: Mapping[str, Any] = data["schedules"]
        v7 = build_named("schedule v7", build_v7, schedules["v7"]) if "v7" in schedules else None
        years = {
            int(name): build_named(f"schedule {name}", build_law, name, schedules[name], articles)
            for name in sorted(schedules)
            if is_year(name)
        }
    except (AttributeError, KeyError, TypeError, ArithmeticError) as error:
        raise ScheduleError(f"the schedules are malformed: {type(error).__name__} {error}") from error
    if v7 is None or not years:
        raise ScheduleError("expected a schedule v7 and at least one schedule of an income year, such as 2025")
    return Schedules(digest[:12], v7, years, data)


T = TypeVar("T")


def build_named(name: str, build: Callable[..., T], *arguments: Any) -> T:
    """Call `build`, and add the name to the message of a ScheduleError."""
    try:
        return build(*arguments)
    except ScheduleError as error:
        raise ScheduleError(f"{name}: {error}") from error


def is_year(schedule: str) -> bool:
    """Return whether the name of a schedule is a four-digit income year."""
    return schedule.isascii() and schedule.isdigit() and len(schedule) == 4


def build_v7(figures: Mapping[str, Any]) -> V7Schedule:
    """Build the schedule of the rules `v7`."""
    constants, scales = build_figures(figures)
    if "scale" not in scales:
        raise ScheduleError("brackets missing: scale")
    check_figures(constants, scales)
    rows = figures["scale"]["brackets"]
    brackets = [Bracket(parse_limit(row), parse_scaled(row["rate"]), parse_scaled(row["constant"])) for row in rows]
    return build_schedule(V7Schedule, brackets, {name: int(value * SCALE) for name, value in constants.items()})


def build_law(name: str, figures: Mapping[str, Any], articles: Mapping[str, str]) -> Law:
    """Build the law of an income year."""
    return Law(int(name), *build_figures(figures), articles)


def build_figures(figures: Mapping[str, Any]) -> tuple[dict[str, Fraction], dict[str, Scale]]:
    """Build the constants and the scales of a schedule."""
    constants = {n: build_named(n, build_constant, figure) for n, figure in figures.items() if "value" in figure}
    scales = {
        n: build_named(n, build_scale, figure["brackets"]) for n, figure in figures.items() if "brackets" in figure
    }
    return constants, scales


def build_constant(figure: Mapping[str, str]) -> Fraction:
    """Convert a constant to an exact number."""
    return Fraction(parse_scaled(figure["value"]), SCALE)


def build_scale(rows: list[dict[str, str | None]]) -> Scale:
    """Convert rows of brackets to a scale. A row has an upper limit, and a bracket of a scale has a lower limit."""
    check_brackets([Bracket(parse_limit(row), 0, 0) for row in rows])
    begins = [Fraction(0), *(Fraction(parse_limit(row) or 0, SCALE) for row, _ in pairwise(rows))]
    return [(above, Fraction(parse_scaled(str(row["rate"])), SCALE)) for above, row in zip(begins, rows, strict=True)]


def parse_limit(row: Mapping[str, str | None]) -> int | None:
    """Return the upper limit of a bracket in ten-thousandths, or None if the bracket has no upper limit."""
    limit = row["upper_limit"]
    return None if limit is None else parse_scaled(limit)


def parse_scaled(number: str) -> int:
    """Parse a decimal number, and return its value in ten-thousandths."""
    return scale_exactly(Decimal(number))

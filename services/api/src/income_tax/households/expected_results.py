"""Workload for a load generator that compares each response with the expected result.

Before the load test, a separate process calculates the expected results. It reads the schedules file, and does not
need a server.
"""

import json
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from income_tax.tax.brackets import ScheduleError
from income_tax.tax.models import MAX_SALARY
from income_tax.tax.schedule_parser import Schedules, is_year, parse_schedules

from .parameters_and_decoders import HOUSEHOLD, TextDecoder
from .result_serialization import calculate
from .validation import HouseholdSchema, ParameterError, build_household

V7 = "v7"  # name of the rules for households without an income year
STDIN = Path("-")
SCHEMA = HouseholdSchema(HOUSEHOLD, TextDecoder())
USUAL, HIGH = 60_000, 600_000  # euros per year; upper limits of usual and of high random salaries

Pairs = Sequence[tuple[str, str]]


class WorkloadError(ValueError):
    """No household is valid, or an option or a line of the input is invalid. The message names the reason."""


def read_schedules(path: Path) -> Schedules:
    """Read schedules from a file such as `db/init/schedules.json`.

    Raises OSError if the file cannot be read, or ScheduleError if the content is invalid.
    """
    try:
        return parse_schedules(json.loads(path.read_bytes()))
    except ValueError as error:  # invalid JSON, or a ScheduleError
        raise ScheduleError(f"[{path}] contains no valid tax data: {error}") from error


def build_line(pairs: Pairs, schedules: Schedules) -> bytes:
    """Build a JSON line with the query string and the expected result. Raises ParameterError if a value is invalid."""
    result = calculate(build_household(SCHEMA.parse(pairs, schedules.years)), schedules)
    return orjson.dumps({"query": urlencode(pairs), "expected": result}, option=orjson.OPT_APPEND_NEWLINE)


def write_workload(households: Iterable[tuple[str, Pairs]], schedules: Schedules) -> None:
    """Print a JSON line to stdout for each valid household, and report the number of invalid households on stderr.

    `households` are pairs of a label and request parameters. Raises WorkloadError if no household is valid.
    """
    written, rejected = 0, list[str]()
    for label, pairs in households:
        try:
            sys.stdout.buffer.write(build_line(pairs, schedules))
            written += 1
        except ParameterError as error:
            rejected.append(f"{label}: {error}")
    sys.stdout.buffer.flush()
    if rejected:
        print(f"income-tax: {len(rejected)} invalid household(s) omitted; the first is {rejected[0]}", file=sys.stderr)
    if not written:
        raise WorkloadError(
            "no household to calculate: use --households N, or a file written by `tax-client households`"
        )


def read_households(path: Path) -> Iterator[tuple[str, Pairs]]:
    """Yield the label and request parameters of each JSON line that `tax-client households` has written.

    Raises OSError if the file cannot be read, or WorkloadError if a line is invalid.
    """
    with sys.stdin.buffer if path == STDIN else path.open("rb") as lines:
        for number, text in enumerate(lines, start=1):
            try:
                household = parse_household(orjson.loads(text))
            except (orjson.JSONDecodeError, KeyError, TypeError):
                wanted = "expected a household in JSON: make the file with `tax-client households`"
                raise WorkloadError(f"[{path}], line {number}: {wanted}") from None
            yield household


def parse_household(item: Any) -> tuple[str, Pairs]:
    """Return the label and parameters of a JSON object. Raises KeyError or TypeError if the object is invalid."""
    label = f"taxpayer {item['id']}"
    if any(type(value) not in (int, str) for value in item.values()):
        raise TypeError
    return label, [(name, str(value)) for name, value in item.items() if name != "id"]


def generate_households(count: int, seed: int | None, years: Sequence[str]) -> Iterator[tuple[str, Pairs]]:
    """Yield `count` random households for the given years. The same seed generates the same households."""
    generator = random.Random(seed)  # noqa: S311 - not used for security
    for number in range(1, count + 1):
        year = generator.choice(years)
        married = generator.random() < 0.5
        children = generator.choices(range(8), weights=(40, 20, 22, 10, 4, 2, 1, 1))[0]
        pairs = [("married", "yes" if married else "no"), ("children", f"{children}")]
        pairs.append(("salary", draw_salary(generator)))
        if year != V7:
            pairs.insert(0, ("year", year))
            if married and generator.random() < 0.6:
                pairs.append(("spouse_salary", draw_salary(generator)))
            if not married and children and generator.random() < 0.5:
                pairs.append(("single_parent", "yes"))
        yield f"household {number}", pairs


def draw_salary(generator: random.Random) -> str:
    """Draw a random salary. The upper limit is drawn from USUAL, HIGH and MAX_SALARY."""
    highest = generator.choices((USUAL, HIGH, MAX_SALARY), weights=(70, 28, 2))[0]
    return f"{generator.randint(0, highest)}"


def parse_years(text: str | None, schedules: Schedules) -> list[str]:
    """Parse a list of years such as 2018-2025,v7. If `text` is None, return all known years.

    Raises WorkloadError if a year is unknown or a range contains no years.
    """
    known = [*map(str, schedules.years), V7]
    if text is None:
        return known
    years: list[str] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if dash and is_year(first) and is_year(last):
            years += [f"{year}" for year in range(int(first), int(last) + 1)]
        else:
            years.append(part.strip())
    if not years or any(year not in known for year in years):  # `years` is empty for the range 2025-2018
        raise WorkloadError(f"--years: expected {', '.join(known)}, or a range such as 2018-2025, found [{text}]")
    return years

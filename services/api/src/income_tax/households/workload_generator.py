"""Questions with their right answers, for a load generator that checks every answer.

They are calculated beforehand, in a process of their own, by the rules that the service has, from the file of figures:
no server says what is right.
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
from income_tax.tax.schedule_data import Schedules, is_year, parse_schedules

from .parameters import HOUSEHOLD, TextForm
from .serialization import calculate
from .validation import ParameterError, Reading, household_of

FIGURES = Path("db/init/schedules.json")
V7 = "v7"  # the rules without a year
STDIN = Path("-")
TEXT = Reading(HOUSEHOLD, TextForm())
USUAL, HIGH = 60_000, 600_000  # euros: most salaries are below the first, some below the second

Pairs = Sequence[tuple[str, str]]


class ExpectedError(ValueError):
    """There is nothing to calculate; the text says why."""


def read_figures(path: Path) -> Schedules:
    """The schedules of a file as db/init has it. Raises OSError and ScheduleError."""
    try:
        return parse_schedules(json.loads(path.read_bytes()))
    except ValueError as error:  # no JSON
        raise ScheduleError(f"[{path}] holds no tax data: {error}") from error


def line(pairs: Pairs, schedules: Schedules) -> bytes:
    """A question and its answer as a line of JSON. Raises ParameterError when it is no household."""
    result = calculate(household_of(TEXT.values(pairs, schedules.years)), schedules)
    return orjson.dumps({"query": urlencode(pairs), "expected": result}, option=orjson.OPT_APPEND_NEWLINE)


def write_expected(questions: Iterable[tuple[str, Pairs]], schedules: Schedules) -> None:
    """Print a line for each question (its place and its pairs); say on stderr how many are no household.

    Raises ExpectedError when none is one.
    """
    written, refused = 0, list[str]()
    for place, pairs in questions:
        try:
            sys.stdout.buffer.write(line(pairs, schedules))
            written += 1
        except ParameterError as error:
            refused.append(f"{place}: {error}")
    sys.stdout.buffer.flush()
    if refused:
        print(f"income-tax: {len(refused)} household(s) left out, the first: {refused[0]}", file=sys.stderr)
    if not written:
        raise ExpectedError("no household to calculate: give a file of `tax-client households`, or --households")


def read_households(path: Path) -> Iterator[tuple[str, Pairs]]:
    """The households of JSON lines, which `tax-client households` makes of a taxpayers file: it alone reads those.

    Raises OSError, and ExpectedError when a line is anything else.
    """
    with sys.stdin.buffer if path == STDIN else path.open("rb") as lines:
        for number, text in enumerate(lines, start=1):
            try:
                question = pairs_of(orjson.loads(text))
            except (orjson.JSONDecodeError, KeyError, TypeError):
                wanted = "expected a household in JSON: make the file with `tax-client households`"
                raise ExpectedError(f"[{path}], line {number}: {wanted}") from None
            yield question


def pairs_of(found: Any) -> tuple[str, Pairs]:
    """Whose household an object is, and its pairs. Raises KeyError and TypeError."""
    whose = f"taxpayer {found['id']}"
    if any(type(value) not in (int, str) for value in found.values()):
        raise TypeError
    return whose, [(name, str(value)) for name, value in found.items() if name != "id"]


def random_households(count: int, seed: int | None, years: Sequence[str]) -> Iterator[tuple[str, Pairs]]:
    """Households at random over the years, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - it hides nothing
    for number in range(1, count + 1):
        year = chance.choice(years)
        married = chance.random() < 0.5
        children = chance.choices(range(8), weights=(40, 20, 22, 10, 4, 2, 1, 1))[0]
        pairs = [("married", "yes" if married else "no"), ("children", f"{children}"), ("salary", salary(chance))]
        if year != V7:
            pairs.insert(0, ("year", year))
            if married and chance.random() < 0.6:
                pairs.append(("spouse_salary", salary(chance)))
            if not married and children and chance.random() < 0.5:
                pairs.append(("single_parent", "yes"))
        yield f"household {number}", pairs


def salary(chance: random.Random) -> str:
    """A salary at random: usual, high, or anything that is allowed."""
    highest = chance.choices((USUAL, HIGH, MAX_SALARY), weights=(70, 28, 2))[0]
    return f"{chance.randint(0, highest)}"


def chosen_years(text: str | None, schedules: Schedules) -> list[str]:
    """The years of a text such as 2018-2025,v7; all there are without a text. Raises ExpectedError."""
    known = [*map(str, schedules.years), V7]
    if text is None:
        return known
    chosen: list[str] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if dash and is_year(first) and is_year(last):
            chosen += [f"{year}" for year in range(int(first), int(last) + 1)]
        else:
            chosen.append(part.strip())
    unknown = [year for year in chosen if year not in known]
    if unknown or not chosen:
        raise ExpectedError(f"--years: expected {', '.join(known)}, or a span such as 2018-2025, found [{text}]")
    return chosen

"""Load the schedules and the expected cases for tests."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

from income_tax.households.parameters_and_decoders import CALCULATION, TextDecoder
from income_tax.households.validation import HouseholdSchema, build_household
from income_tax.http.requests.query_string import parse_query
from income_tax.tax.models import Household
from income_tax.tax.schedule_parser import Schedules, parse_schedules
from income_tax.tax.simplified_v7_rules import V7Schedule

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests/cases"
SAMPLE = ROOT / "services/client/data"
RESULT_FIELDS = ("tax", "surcharge", "rate", "discount", "reduction")


@cache
def schedules() -> Schedules:
    """Return all schedules of the data file."""
    return parse_schedules(json.loads((ROOT / "db/init/schedules.json").read_text(encoding="utf-8")))


def v7_schedule() -> V7Schedule:
    """Return the schedule `v7`."""
    return schedules().v7


def law_cases() -> list[dict[str, Any]]:
    """Return the test cases for the laws of 2018 to 2025. Amounts are integers, and an empty cell is None."""
    with (CASES / "law.csv").open(encoding="utf-8", newline="") as file:
        return [{name: typed(name, text) for name, text in row.items()} for row in csv.DictReader(file)]


def official_cases() -> list[dict[str, Any]]:
    """Return the results that the tax authority's simulator gives for incomes of 2018."""
    with (CASES / "official_2018.csv").open(encoding="utf-8", newline="") as file:
        return [{name: typed(name, text) for name, text in row.items()} for row in csv.DictReader(file)]


def typed(name: str, text: str) -> Any:
    """Convert a CSV cell to the type that the API uses."""
    if name in ("married", "single_parent"):
        return text
    return (float(text) if name in ("rate", "shares") else int(text)) if text else None


def v7_cases() -> list[dict[str, Any]]:
    """Return the published and the additional test cases for the rules `v7`. A case has the fields of an API result."""
    with (CASES / "v7.csv").open(encoding="utf-8", newline="") as file:
        return [
            {
                name: text if name == "married" else float(text) if name == "rate" else int(text)
                for name, text in row.items()
            }
            for row in csv.DictReader(file)
        ]


def read_household(query: str) -> Household:
    """Parse a query string into a household, or raise ParameterError with a list of all errors."""
    return build_household(HouseholdSchema(CALCULATION, TextDecoder()).parse(parse_query(query), schedules().years))

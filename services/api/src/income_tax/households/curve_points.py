"""The tax curve of a household, which shows the tax as a function of the salary."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from income_tax.tax.models import MAX_SALARY
from income_tax.tax.result_notes import Note
from income_tax.tax.schedule_parser import Schedules

from .parameters_and_decoders import (
    CHILDREN,
    MARRIED,
    SINGLE_PARENT,
    SPOUSE_SALARY,
    YEAR,
    Parameter,
    TextDecoder,
    Values,
)
from .result_serialization import YES_NO
from .validation import HouseholdSchema, ParameterError

MAX_POINTS = 2000
FROM = Parameter("from", ("de",), MAX_SALARY)
TO = Parameter("to", ("à", "a"), MAX_SALARY)
STEP = Parameter("step", ("pas",), MAX_SALARY, minimum=1)
CURVE = (MARRIED, CHILDREN, FROM, TO, STEP, YEAR, SINGLE_PARENT, SPOUSE_SALARY)
SCHEMA = HouseholdSchema(CURVE, TextDecoder())


def list_salaries(values: Values, names: Mapping[Parameter, str]) -> list[int]:
    """Return the salaries of the points. Raises ParameterError if there is no point or more than MAX_POINTS.

    `names` maps each parameter to the name that the request used.
    """
    salaries = range(values[FROM], values[TO] + 1, values[STEP])
    first, last, step = (f"[{names[parameter]}]" for parameter in (FROM, TO, STEP))
    if not salaries:
        error = f"{first} is {values[FROM]}, but {last} is only {values[TO]}"
        raise ParameterError([error], [f"{first} not above {last}"])
    if len(salaries) > MAX_POINTS:
        error = f"{first}, {last} and {step} result in {len(salaries)} points"
        raise ParameterError([error], [f"at most {MAX_POINTS} points: a larger {step}, or a smaller range"])
    return list(salaries)


def describe_request(values: Values) -> dict[str, Any]:
    """Return the members of the response that echo the request."""
    dated: dict[str, Any] = {"income_year": values[YEAR]} if YEAR in values else {}
    dated["married"] = YES_NO[values[MARRIED]]
    if dated.get("income_year"):
        dated["single_parent"] = YES_NO[values.get(SINGLE_PARENT, 0)]
    dated["children"] = values[CHILDREN]
    if dated.get("income_year"):
        dated["spouse_salary"] = values.get(SPOUSE_SALARY, 0)
    return dated | {"from": values[FROM], "to": values[TO], "step": values[STEP]}


def build_curve(values: Values, salaries: list[int], schedules: Schedules) -> dict[str, Any]:
    """Build the points of the curve, and the notes of the income year."""
    taxes, notes = compute_taxes(values, [*salaries, salaries[-1] + values[STEP]], schedules)
    members = {"notes": [asdict(note) for note in notes]} if notes else {}
    return members | {"points": build_points(values, salaries, taxes)}


def build_points(values: Values, salaries: list[int], taxes: list[int]) -> list[dict[str, Any]]:
    """Build the points of the curve. Each point has a salary, a tax, an average rate and a marginal rate.

    The marginal rate is the tax increase up to the next salary, divided by the step. `taxes` therefore has one more
    element than `salaries`.
    """
    step, spouse = values[STEP], values.get(SPOUSE_SALARY, 0)
    return [
        {
            "salary": salary,
            "tax": tax,
            "average_rate": round(tax / (salary + spouse), 6) if salary + spouse else 0.0,
            "marginal_rate": round((following - tax) / step, 6),
        }
        for salary, tax, following in zip(salaries, taxes, taxes[1:], strict=False)
    ]


def compute_taxes(values: Values, salaries: Sequence[int], schedules: Schedules) -> tuple[list[int], tuple[Note, ...]]:
    """Compute the tax of a household (in whole euros) for each annual salary, and return the notes on these taxes."""
    import numpy as np  # noqa: PLC0415 - a worker process loads numpy only when it calculates its first curve

    from income_tax.tax.vectorized import V7, Households, assess_dated, assess_v7  # noqa: PLC0415

    length = len(salaries)
    year = values.get(YEAR, V7)
    households = Households(
        np.full(length, year),
        np.full(length, bool(values[MARRIED])),
        np.full(length, bool(values.get(SINGLE_PARENT))),
        np.full(length, values[CHILDREN]),
        np.array(salaries, np.int64),
        np.full(length, values.get(SPOUSE_SALARY, 0)),
    )
    if year == V7:
        return [assessment.tax for assessment in assess_v7(households, schedules.v7)], ()
    law = schedules.years[year]
    return assess_dated(households, law)["tax"].tolist(), law.notes

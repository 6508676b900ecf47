"""`GET /curve`: the tax of a household along its salary."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, request

from income_tax.households.parameters import (
    CHILDREN,
    MARRIED,
    SINGLE_PARENT,
    SPOUSE_SALARY,
    YEAR,
    Parameter,
    TextForm,
    Values,
)
from income_tax.households.serialization import YES_NO
from income_tax.households.validation import ParameterError, Reading
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.requests.query_string import pairs
from income_tax.http.responses import answer
from income_tax.storage.schedule_snapshot import CurrentSchedules
from income_tax.tax.models import MAX_SALARY
from income_tax.tax.schedule_data import Schedules

from .single_household import of_version, refusal

MOST_POINTS = 2000
FROM = Parameter("from", ("de",), MAX_SALARY)
TO = Parameter("to", ("à", "a"), MAX_SALARY)
STEP = Parameter("step", ("pas",), MAX_SALARY, minimum=1)
CURVE = (MARRIED, CHILDREN, FROM, TO, STEP, YEAR, SINGLE_PARENT, SPOUSE_SALARY)
READING = Reading(CURVE, TextForm())


def blueprint(schedules: CurrentSchedules, login_required: LoginRequired) -> Blueprint:
    """The route of the curve."""
    routes = Blueprint("curve", __name__)

    @routes.get("/curve", provide_automatic_options=False)
    @login_required
    def curve() -> Response:
        now = schedules.get()
        try:
            given = pairs(request.environ.get("QUERY_STRING", ""))
            values = READING.values(given, now.years)
            salaries = salaries_of(values, READING.spelled(given))
        except ParameterError as error:
            return refusal(error)
        return of_version(answer({"curve": described(values) | drawn(values, salaries, now)}), now)

    return routes


def salaries_of(values: Values, names: Mapping[Parameter, str]) -> list[int]:
    """The salaries of the points; ParameterError, with the names of the request, when there are none or too many."""
    salaries = range(values[FROM], values[TO] + 1, values[STEP])
    first, last, step = (f"[{names[parameter]}]" for parameter in (FROM, TO, STEP))
    if not salaries:
        raise ParameterError([f"{first} is {values[FROM]}, above {last}, {values[TO]}"], [f"{first} up to {last}"])
    if len(salaries) > MOST_POINTS:
        error = f"{first}, {last} and {step} make {len(salaries)} points"
        raise ParameterError([error], [f"at most {MOST_POINTS} points: a larger {step}, or a smaller range"])
    return list(salaries)


def described(values: Values) -> dict[str, Any]:
    """What the request said."""
    dated: dict[str, Any] = {"income_year": values[YEAR]} if YEAR in values else {}
    dated["married"] = YES_NO[values[MARRIED]]
    if dated.get("income_year"):
        dated["single_parent"] = YES_NO[values.get(SINGLE_PARENT, 0)]
    dated["children"] = values[CHILDREN]
    if dated.get("income_year"):
        dated["spouse_salary"] = values.get(SPOUSE_SALARY, 0)
    return dated | {"from": values[FROM], "to": values[TO], "step": values[STEP]}


def drawn(values: Values, salaries: list[int], schedules: Schedules) -> dict[str, Any]:
    """The points, before them the notes that some of them need."""
    from income_tax.households.tax_curve import along  # noqa: PLC0415 - numpy is imported at the first batch

    taxes, notes = along(values, [*salaries, salaries[-1] + values[STEP]], schedules)
    needed = dict.fromkeys(note for some in notes[: len(salaries)] for note in some)
    said = {"notes": [asdict(note) for note in needed]} if needed else {}
    return said | {"points": points(values, salaries, taxes)}


def points(values: Values, salaries: list[int], taxes: list[int]) -> list[dict[str, Any]]:
    """Tax, average and marginal rate at each salary; the marginal one is the tax's rise per euro over the next step.

    `taxes` has one more than there are salaries.
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

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
    TextDecoder,
    Values,
)
from income_tax.households.serialization import YES_NO
from income_tax.households.validation import HouseholdSchema, ParameterError
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.requests.query_string import parse_query
from income_tax.http.responses import build_bad_request, build_response, set_schedules_version
from income_tax.storage.schedule_snapshot import CurrentSchedules
from income_tax.tax.models import MAX_SALARY
from income_tax.tax.schedule_data import Schedules

MAX_POINTS = 2000
FROM = Parameter("from", ("de",), MAX_SALARY)
TO = Parameter("to", ("à", "a"), MAX_SALARY)
STEP = Parameter("step", ("pas",), MAX_SALARY, minimum=1)
CURVE = (MARRIED, CHILDREN, FROM, TO, STEP, YEAR, SINGLE_PARENT, SPOUSE_SALARY)
SCHEMA = HouseholdSchema(CURVE, TextDecoder())


def build_blueprint(schedules: CurrentSchedules, login_required: LoginRequired) -> Blueprint:
    """Build the route of the curve."""
    routes = Blueprint("curve", __name__)

    @routes.get("/curve", provide_automatic_options=False)
    @login_required
    def curve() -> Response:
        current = schedules.get()
        try:
            pairs = parse_query(request.environ.get("QUERY_STRING", ""))
            values = SCHEMA.parse(pairs, current.years)
            salaries = list_salaries(values, SCHEMA.find_spellings(pairs))
        except ParameterError as error:
            return build_bad_request(error)
        content = describe_request(values) | build_curve(values, salaries, current)
        return set_schedules_version(build_response({"curve": content}), current)

    return routes


def list_salaries(values: Values, names: Mapping[Parameter, str]) -> list[int]:
    """Return the salaries of the points; raise a ParameterError with the request's names for none or too many."""
    salaries = range(values[FROM], values[TO] + 1, values[STEP])
    first, last, step = (f"[{names[parameter]}]" for parameter in (FROM, TO, STEP))
    if not salaries:
        raise ParameterError([f"{first} is {values[FROM]}, above {last}, {values[TO]}"], [f"{first} up to {last}"])
    if len(salaries) > MAX_POINTS:
        error = f"{first}, {last} and {step} make {len(salaries)} points"
        raise ParameterError([error], [f"at most {MAX_POINTS} points: a larger {step}, or a smaller range"])
    return list(salaries)


def describe_request(values: Values) -> dict[str, Any]:
    """Return the members of the response that repeat the request."""
    dated: dict[str, Any] = {"income_year": values[YEAR]} if YEAR in values else {}
    dated["married"] = YES_NO[values[MARRIED]]
    if dated.get("income_year"):
        dated["single_parent"] = YES_NO[values.get(SINGLE_PARENT, 0)]
    dated["children"] = values[CHILDREN]
    if dated.get("income_year"):
        dated["spouse_salary"] = values.get(SPOUSE_SALARY, 0)
    return dated | {"from": values[FROM], "to": values[TO], "step": values[STEP]}


def build_curve(values: Values, salaries: list[int], schedules: Schedules) -> dict[str, Any]:
    """Build the points, preceded by the notes on any of them."""
    from income_tax.households.tax_curve import compute_tax_curve  # noqa: PLC0415 - numpy is imported at the first curve

    taxes, notes = compute_tax_curve(values, [*salaries, salaries[-1] + values[STEP]], schedules)
    distinct = dict.fromkeys(note for some in notes[: len(salaries)] for note in some)
    members = {"notes": [asdict(note) for note in distinct]} if distinct else {}
    return members | {"points": build_points(values, salaries, taxes)}


def build_points(values: Values, salaries: list[int], taxes: list[int]) -> list[dict[str, Any]]:
    """Build tax, average and marginal rate at each salary; the last is the rise of the tax per euro of the next step.

    `taxes` has one more element than `salaries`.
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

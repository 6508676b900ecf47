"""`GET /curve`: the tax of a household along its salary."""

from typing import Any

from flask import Blueprint, Response, request

from ..store.last_good import CurrentSchedules
from ..store.schedules import Schedules
from ..tax.household import MAX_SALARY
from .answers import answer
from .auth import LoginRequired
from .parameters import CHILDREN, MARRIED, SINGLE_PARENT, SPOUSE_SALARY, YEAR, Parameter, TextForm, Values
from .query import pairs
from .reading import ParameterError, Reading
from .results import YES_NO
from .single import of_version, refusal

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
            values = READING.values(pairs(request.environ.get("QUERY_STRING", "")), now.years)
            salaries = salaries_of(values)
        except ParameterError as error:
            return refusal(error)
        return of_version(answer({"curve": described(values) | {"points": points(values, salaries, now)}}), now)

    return routes


def salaries_of(values: Values) -> list[int]:
    """The salaries of the points; ParameterError when there are none or too many."""
    salaries = range(values[FROM], values[TO] + 1, values[STEP])
    if not salaries:
        raise ParameterError([f"[from] is {values[FROM]}, above [to], {values[TO]}"], ["[from] up to [to]"])
    if len(salaries) > MOST_POINTS:
        error = f"[from], [to] and [step] make {len(salaries)} points"
        raise ParameterError([error], [f"at most {MOST_POINTS} points: a larger [step], or a smaller range"])
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


def points(values: Values, salaries: list[int], schedules: Schedules) -> list[dict[str, Any]]:
    """Tax, average and marginal rate at each salary; the marginal one is the tax's rise per euro over the next step."""
    from .along import taxes_of  # noqa: PLC0415 - numpy is imported at the first batch

    step, spouse = values[STEP], values.get(SPOUSE_SALARY, 0)
    taxes = taxes_of(values, [*salaries, salaries[-1] + step], schedules)
    return [
        {
            "salary": salary,
            "tax": tax,
            "average_rate": round(tax / (salary + spouse), 6) if salary + spouse else 0.0,
            "marginal_rate": round((following - tax) / step, 6),
        }
        for salary, tax, following in zip(salaries, taxes, taxes[1:], strict=False)
    ]

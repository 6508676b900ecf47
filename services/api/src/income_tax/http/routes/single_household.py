"""The answer for one household, and what every answer of a calculation has."""

from collections.abc import Callable
from typing import NamedTuple

import orjson
from flask import Response, g

from income_tax.households.parameters import EXPLAIN, QUESTION, TextForm, Values
from income_tax.households.serialization import calculate
from income_tax.households.validation import ParameterError, Reading, household_of
from income_tax.http.middleware.request_log import request_id
from income_tax.http.requests.query_string import pairs
from income_tax.http.responses import JSON, answer, errors_body, raw_answer
from income_tax.tax.schedule_data import Schedules

SCHEDULES_HEADER = "X-Schedules-Version"
QUERY = Reading(QUESTION, TextForm())


def of_version(response: Response, schedules: Schedules) -> Response:
    """The answer with the version of the schedules that it was made from, which the log has too."""
    g.schedules = response.headers[SCHEDULES_HEADER] = schedules.version
    return response


def refusal(error: ParameterError) -> Response:
    """The answer to a request that is wrong."""
    return answer(errors_body(error.errors, request_id(), expected=error.expected), 400)


class Answered(NamedTuple):
    """Status and body of an answer, and the version of the schedules that a calculation was made from."""

    status: int
    body: bytes
    version: str | None = None


def answer_query(
    query: str, schedules: Schedules, request_id: str, pause: Callable[[], object] | None = None
) -> Answered:
    """The answer to the query string of `GET /`; `pause` comes before the calculation."""
    try:
        values = QUERY.values(pairs(query), schedules.years)
    except ParameterError as error:
        content = errors_body(error.errors, request_id, expected=error.expected)
        return Answered(400, orjson.dumps({"response": content}))
    if pause:
        pause()
    return one(values, schedules)


def one(values: Values, schedules: Schedules) -> Answered:
    """The answer for one household."""
    result = calculate(household_of(values), schedules, bool(values.get(EXPLAIN)))
    return Answered(200, orjson.dumps({"response": {"result": result}}), schedules.version)


def as_response(answered: Answered, schedules: Schedules) -> Response:
    """The answer as Flask's."""
    response = raw_answer(answered.body, JSON, answered.status)
    return of_version(response, schedules) if answered.version else response

"""`GET /openapi.json`: the API in OpenAPI 3.1, made of the very parameters that the requests are read by."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from flask import Blueprint, Response

from income_tax import __version__
from income_tax.households.parameters import (
    CHILDREN,
    HOUSEHOLD,
    MARRIED,
    QUESTION,
    SINGLE_PARENT,
    SPOUSE_SALARY,
    YEAR,
    YES_NO,
    Parameter,
)
from income_tax.households.validation import ONLY_WITH_YEAR
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.responses import JSON, raw_answer
from income_tax.http.routes.curve import CURVE
from income_tax.storage.schedule_snapshot import CurrentSchedules

from .examples import EXAMPLES
from .operations import operations
from .refusals import HEADERS, RESPONSES
from .schemas import SCHEMAS

Json = dict[str, Any]

DESCRIPTION = """\
French income tax of households with salaries only: the law of each income year there is, or, without a year, the \
simplified rules `v7` of a tutorial. Amounts are whole euros, rates are fractions (0.3 is 30 %), every answer is exact \
to the euro. Each has the id of its request in `X-Request-ID`, by which the logs know it too. Parameters have French \
names as well, which may be mixed with the English ones; each is given once."""

ABOUT = {
    "year": "Income year whose law holds (the tax is assessed in the year after). Without it, the rules `v7`.",
    "married": "Whether the household is a couple, married or in a PACS, that declares together.",
    "single_parent": "Whether one adult alone brings up the children (*parent isolé*, CGI art. 194, II). Needs `year`.",
    "children": "Dependent children.",
    "salary": "Net taxable salary of the year before the 10 % deduction, in whole euros.",
    "spouse_salary": "The spouse's yearly salary, like `salary`, in whole euros; a couple's only. Needs `year`.",
    "explain": "Whether the answer has the steps of the calculation. Needs `year`.",
    "from": "Salary of the first point, in whole euros.",
    "to": "No point has a salary above this one, in whole euros.",
    "step": "Distance of two points, in whole euros.",
}
YES = [word for word, truth in YES_NO.items() if truth]


def schema_of(parameter: Parameter, years: Iterable[int]) -> Json:
    """The JSON Schema (2020-12) of a parameter's values."""
    if parameter is YEAR:
        return {"type": "integer", "enum": list(years)}
    if parameter.maximum is None:
        return {"type": "string", "enum": list(YES_NO)}
    return {"type": "integer", "minimum": parameter.minimum, "maximum": parameter.maximum}


def about(parameter: Parameter) -> str:
    """The description of a parameter, with its further names."""
    names = " or ".join(f"`{name}`" for name in parameter.french)
    return f"{ABOUT[parameter.english]} In French: {names}."


def in_query(parameters: Sequence[Parameter], years: Sequence[int], example: Mapping[str, Any]) -> list[Json]:
    """The parameters as those of a query string."""
    return [
        {
            "name": parameter.english,
            "in": "query",
            "required": parameter.required,
            "description": about(parameter),
            "schema": schema_of(parameter, years),
            **({"example": example[parameter.english]} if parameter.english in example else {}),
        }
        for parameter in parameters
    ]


def in_object(parameters: Sequence[Parameter], years: Sequence[int]) -> Json:
    """The parameters as a JSON object, with what goes together and what does not."""
    needs_year = [p.english for p in ONLY_WITH_YEAR if p in parameters]
    couple = {"properties": {MARRIED.english: {"enum": YES}}}
    return {
        "type": "object",
        "properties": {p.english: {"description": about(p), **schema_of(p, years)} for p in parameters},
        "required": [p.english for p in parameters if p.required],
        "additionalProperties": False,
        "dependentRequired": {name: [YEAR.english] for name in needs_year},
        "allOf": [
            {
                "if": {"properties": {SINGLE_PARENT.english: {"enum": YES}}, "required": [SINGLE_PARENT.english]},
                "then": {"not": couple, "properties": {CHILDREN.english: {"minimum": 1}}},
            },
            {
                "if": {
                    "properties": {SPOUSE_SALARY.english: {"exclusiveMinimum": 0}},
                    "required": [SPOUSE_SALARY.english],
                },
                "then": couple,
            },
        ],
    }


def document(years: Sequence[int], batch_max: int) -> Json:
    """The whole description, for the income years that there are and the largest batch."""
    asked = {name: example.request for name, example in EXAMPLES.items()}
    household = {"Household": in_object(HOUSEHOLD, years), "Question": in_object(QUESTION, years)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "French income tax",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"login": []}],
        "tags": [
            {"name": "calculation", "description": "What households owe."},
            {"name": "schedules", "description": "The figures of the law, with their articles."},
            {"name": "service", "description": "Whether it lives, and how it is described."},
            {"name": "pages", "description": "For people, in a browser."},
        ],
        "paths": operations(
            in_query(QUESTION, years, asked["family"]),
            in_query(CURVE, years, asked["curve"]),
            ["v7", *map(str, years)],
            batch_max,
        ),
        "components": {
            "securitySchemes": {"login": {"type": "http", "scheme": "basic", "description": "Login and password."}},
            "schemas": household | SCHEMAS,
            "responses": RESPONSES,
            "headers": HEADERS,
        },
    }


def blueprint(schedules: CurrentSchedules, login_required: LoginRequired, batch_max: int) -> Blueprint:
    """The route of the description."""
    routes = Blueprint("openapi", __name__)

    @routes.get("/openapi.json", provide_automatic_options=False)
    @login_required
    def openapi() -> Response:
        response = raw_answer(orjson.dumps(document(sorted(schedules.get().years), batch_max)), JSON)
        response.headers["Cache-Control"] = "private, no-cache"
        return response

    return routes

"""The operations of the API, as OpenAPI has them."""

from income_tax.http.responses import CSV, JSON

from .examples import answers_of, requests_of
from .operation import ALWAYS, WITH_LOGIN, Json, good, json_of, operation, page, responses, with_examples
from .schema import ref

WRONG = {"400": "BadRequest"} | WITH_LOGIN


def body(batch_max: int) -> Json:
    """The body of `POST /`."""
    many = {
        "type": "array",
        "minItems": 1,
        "maxItems": batch_max,
        "items": {"anyOf": [ref("Household"), {"description": "Anything else has its own errors, in its place."}]},
    }
    household: Json = {"anyOf": [ref("Question"), many]}
    csv: Json = {"type": "string", "description": "RFC 4180, in UTF-8; the first line names the columns; `,` or `;`."}
    return {
        "required": True,
        "content": {
            JSON: with_examples(household, requests_of("calculate_posted", dict, list)),
            CSV: with_examples(csv, requests_of("calculate_posted", str)),
        },
    }


def operations(question: list[Json], curve: list[Json], schedules: list[str], batch_max: int) -> Json:
    """All paths."""
    return {
        "/": {"get": calculate(question), "post": calculate_posted(batch_max)},
        "/curve": {"get": along_the_salary(curve)},
        "/schedules": {"get": all_schedules()},
        "/schedules/{schedule}": {"get": one_schedule(schedules)},
        "/health/live": {"get": health("live", "Whether the process answers", "It does.", "Live")},
        "/health/ready": {"get": health("ready", "Whether it can calculate", "It can.", "Ready")},
        "/openapi.json": {"get": description()},
        "/docs": {"get": page("docs", "This description as a page on which every call can be tried")},
        "/simulator": {"get": page("simulator", "What a household pays, and why, in pictures")},
        "/status": {"get": page("status", "Whether all is well, for the operator")},
    }


def calculate(question: list[Json]) -> Json:
    """`GET /`."""
    return operation(
        "calculate",
        "calculation",
        "The tax of one household",
        "Parameters stand in the address, which proxies and browsers log: `POST /` keeps them out of it.",
        parameters=question,
        responses=responses(good("The result.", json_of(ref("Result"), "calculate")), WRONG),
    )


def calculate_posted(batch_max: int) -> Json:
    """`POST /`."""
    results = {"anyOf": [ref("Result"), ref("Results")]}
    both = json_of(results, "calculate_posted") | {
        CSV: {"schema": {"type": "string"}, "examples": answers_of("calculate_posted", str)}
    }
    return operation(
        "calculate_posted",
        "calculation",
        "The tax of one household, or of many",
        "An object is one household, answered as by `GET /`. An array, or CSV, is many: what is wrong with one "
        "is said in its place, the others are calculated. `Accept: text/csv` asks for CSV.",
        requestBody=body(batch_max),
        responses=responses(
            good("The result, or the results in order.", both), WRONG | {"413": "TooLarge", "415": "WrongType"}
        ),
    )


def along_the_salary(curve: list[Json]) -> Json:
    """`GET /curve`."""
    points: Json = {
        "type": "object",
        "properties": {"curve": ref("Curve")},
        "required": ["curve"],
        "additionalProperties": False,
    }
    return operation(
        "curve",
        "calculation",
        "Tax, average and marginal rate along the salary",
        parameters=curve,
        responses=responses(good("The points.", json_of(points, "curve")), WRONG),
    )


def all_schedules() -> Json:
    """`GET /schedules`."""
    return operation(
        "schedules",
        "schedules",
        "Every figure of the law, of every year",
        "With an ETag: ask with `If-None-Match` whether they have changed.",
        responses=responses(good("The schedules.", json_of(ref("Schedules"))), WITH_LOGIN),
    )


def one_schedule(schedules: list[str]) -> Json:
    """`GET /schedules/{schedule}`."""
    name = {"name": "schedule", "in": "path", "required": True, "schema": {"type": "string", "enum": schedules}}
    return operation(
        "schedule",
        "schedules",
        "The figures of one schedule",
        "An income year, or `v7`.",
        parameters=[name | {"example": schedules[-1]}],
        responses=responses(good("The schedule.", json_of(ref("Schedule"))), {"404": "NotFound"} | WITH_LOGIN),
    )


def health(name: str, summary: str, it_is: str, schema: str) -> Json:
    """`GET /health/...`, which needs no login."""
    answer = good(it_is, json_of(ref(schema)), calculated=False)
    return operation(name, "service", summary, responses=responses(answer, ALWAYS), security=[])


def description() -> Json:
    """`GET /openapi.json`."""
    answer = good("OpenAPI 3.1.", {JSON: {"schema": {"type": "object"}}}, calculated=False)
    return operation("openapi", "service", "This description", responses=responses(answer, WITH_LOGIN))

"""What an operation of the OpenAPI description is made of."""

from typing import Any

from income_tax.http.responses import JSON

from .examples import answers_of
from .schema import enveloped

Json = dict[str, Any]
HTML = "text/html"

# What any request may meet, and those without login.
ALWAYS = {"405": "MethodNotAllowed", "429": "TooManyRequests"}
WITH_LOGIN = {"401": "Unauthorized"} | ALWAYS


def responses(success: Json, refusals: dict[str, str]) -> Json:
    """The answers of an operation: the good one, and what is refused by which response of the components."""
    return {"200": success} | {status: {"$ref": f"#/components/responses/{name}"} for status, name in refusals.items()}


def good(description: str, content: Json, calculated: bool = True) -> Json:
    """A good answer."""
    headers = {"X-Request-ID": "RequestId"} | ({"X-Schedules-Version": "SchedulesVersion"} if calculated else {})
    references = {name: {"$ref": f"#/components/headers/{header}"} for name, header in headers.items()}
    return {"description": description, "headers": references, "content": content}


def json_of(schema: Json, operation: str = "") -> Json:
    """Content of JSON, with the answers of the operation's examples."""
    examples = answers_of(operation)
    return {JSON: {"schema": enveloped(schema)} | ({"examples": examples} if examples else {})}


def operation(name: str, tag: str, summary: str, description: str = "", **more: Any) -> Json:
    """An operation."""
    return {"operationId": name, "tags": [tag], "summary": summary, "description": description or summary, **more}


def page(name: str, summary: str) -> Json:
    """An operation that gives a page."""
    return operation(
        name,
        "pages",
        summary,
        responses=responses(good("The page.", {HTML: {"schema": {"type": "string"}}}, calculated=False), WITH_LOGIN),
    )


def with_examples(schema: Json, examples: Json) -> Json:
    """Content with examples; in its schema too, from which Swagger UI fills its box when the type is changed."""
    return {"schema": schema | {"examples": [one["value"] for one in examples.values()]}, "examples": examples}

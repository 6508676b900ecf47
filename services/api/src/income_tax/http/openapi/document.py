"""`GET /openapi.json`, the OpenAPI 3.1 document of the API.

`openapi.yaml` is the template of the document. This module replaces each placeholder `!insert NAME` with a setting, a
parameter schema, or examples from `examples.json`. A test sends each example request to the service
and compares the response with the example response.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml
from flask import Blueprint, Response

from income_tax import __version__
from income_tax.households.curve_points import CURVE
from income_tax.households.parameters_and_decoders import CALCULATION, HOUSEHOLD
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.responses import JSON
from income_tax.storage.schedule_snapshot import CurrentSchedules

from .parameter_descriptions import YES_NO_WORDS, build_object_schema, build_query_parameters

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """An example request and the body of its response. `request` contains either query parameters or a body."""

    operation: str
    summary: str
    request: Any
    answer: Any


@dataclass(frozen=True, slots=True)
class Insert:
    """A placeholder in the template. `name` identifies the value that replaces the placeholder."""

    name: str


class TemplateLoader(yaml.SafeLoader):
    """A YAML loader that supports the tag `!insert`."""


def construct_insert(loader: TemplateLoader, node: yaml.ScalarNode) -> Insert:
    """Convert the node `!insert NAME` to a placeholder."""
    return Insert(loader.construct_scalar(node))


def load_template() -> dict[str, Any]:
    """Load the template of the document."""
    TemplateLoader.add_constructor("!insert", construct_insert)
    template: dict[str, Any] = yaml.load((FOLDER / "openapi.yaml").read_bytes(), TemplateLoader)  # noqa: S506 - TemplateLoader is a SafeLoader
    del template["x-shared"]
    return template


# Loads `examples.json` and `openapi.yaml` at import, before the server forks its workers. The workers share the memory.
EXAMPLES = {name: Example(**e) for name, e in json.loads((FOLDER / "examples.json").read_bytes()).items()}
TEMPLATE = load_template()


def build_document(years: Sequence[int], batch_max: int) -> dict[str, Any]:
    """Build the document. `years` are the known income years. A batch has at most `batch_max` households."""
    names = ["v7", *map(str, years)]
    values = {
        "version": __version__,
        "batch_max": batch_max,
        "schedule_names": names,
        "last_schedule_name": names[-1],
        "calculation_parameters": build_query_parameters(CALCULATION, EXAMPLES["family"].request),
        "curve_parameters": build_query_parameters(CURVE, EXAMPLES["curve"].request),
        "year_schema": {"type": "integer", "enum": list(years)},
        "yes_no_schema": YES_NO_WORDS,
        "household_schema": build_object_schema(HOUSEHOLD),
        "question_schema": build_object_schema(CALCULATION),
        "calculation_answers": select_examples("calculate", lambda example: example.answer),
        "curve_answers": select_examples("curve", lambda example: example.answer),
    }
    for media, kinds in (("json", (dict, list)), ("csv", (str,))):
        requests = select_examples("calculate_posted", lambda example: example.request, kinds)
        values |= {
            f"{media}_requests": requests,
            # These values are the schema's examples. Swagger UI puts one of the schema's examples into the request body
            # when the user changes the media type.
            f"{media}_request_values": [example["value"] for example in requests.values()],
            f"{media}_answers": select_examples("calculate_posted", lambda example: example.answer, kinds),
        }
    document: dict[str, Any] = fill(TEMPLATE, values)
    return document


def select_examples(
    operation: str, select: Callable[[Example], Any], kinds: tuple[type, ...] = (dict,)
) -> dict[str, Any]:
    """Return an operation's examples in the format of OpenAPI.

    `select` returns the request or the response of an example. The result omits values whose type is not in `kinds`.
    """
    examples = {name: example for name, example in EXAMPLES.items() if example.operation == operation}
    return {
        name: {"summary": example.summary, "value": select(example)}
        for name, example in examples.items()
        if isinstance(select(example), kinds)
    }


def fill(node: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a template node in which each placeholder is replaced with its value."""
    if isinstance(node, Insert):
        return values[node.name]
    if isinstance(node, dict):
        return {key: fill(value, values) for key, value in node.items()}
    return [fill(value, values) for value in node] if isinstance(node, list) else node


def build_blueprint(schedules: CurrentSchedules, login_required: LoginRequired, batch_max: int) -> Blueprint:
    """Build the blueprint of the document."""
    routes = Blueprint("openapi", __name__)

    @routes.get("/openapi.json", provide_automatic_options=False)
    @login_required
    def openapi() -> Response:
        document = build_document(sorted(schedules.get().years), batch_max)
        response = Response(orjson.dumps(document), content_type=JSON)
        response.headers["Cache-Control"] = "private, no-cache"
        return response

    return routes

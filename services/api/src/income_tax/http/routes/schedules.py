"""The routes `GET /schedules` and `GET /schedules/<name>`.

They return the parameters of the tax law, including units, dates and legal references.
"""

from typing import Any

import orjson
from flask import Blueprint, Response, request

from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.responses import JSON, build_error_response, set_schedules_version
from income_tax.storage.schedule_snapshot import CurrentSchedules
from income_tax.tax.schedule_parser import Schedules


def build_blueprint(schedules: CurrentSchedules, login_required: LoginRequired) -> Blueprint:
    """Build the blueprint of the schedules."""
    routes = Blueprint("schedules", __name__)

    @routes.get("/schedules", provide_automatic_options=False)
    @login_required
    def all_schedules() -> Response:
        current = schedules.get()
        descriptions, by_name = current.data["parameters"], current.data["schedules"]
        figures = {name: {n: serialize_figure(f) for n, f in rows.items()} for name, rows in by_name.items()}
        content = {"years": [*current.years], "parameters": descriptions, "schedules": figures}
        return build_cacheable_response(content, current)

    @routes.get("/schedules/<name>", provide_automatic_options=False)
    @login_required
    def one_schedule(name: str) -> Response:
        current = schedules.get()
        descriptions, by_name = current.data["parameters"], current.data["schedules"]
        if name not in by_name:
            names = sorted(by_name)
            sentence = f"this schedule does not exist: use one of the schedules {', '.join(names)}"
            return build_error_response(404, [sentence], expected=names)
        figures = {n: descriptions.get(n, {}) | serialize_figure(figure) for n, figure in by_name[name].items()}
        return build_cacheable_response({"schedule": name, "parameters": figures}, current)

    return routes


def build_cacheable_response(content: dict[str, Any], schedules: Schedules) -> Response:
    """Build a response that has an ETag. The client can cache the response and revalidate it (RFC 9110, 13.1.2)."""
    body = orjson.dumps({"response": {"version": schedules.version} | content}, option=orjson.OPT_SORT_KEYS)
    response = set_schedules_version(Response(body, content_type=JSON), schedules)
    # The ETag is a hash of the body, because a release can change the format without a new version of the schedules.
    response.add_etag()
    response.headers["Cache-Control"] = "private"
    response.make_conditional(request)
    return response


def serialize_figure(figure: dict[str, Any]) -> dict[str, Any]:
    """Convert a parameter of the tax law to a JSON object. Its brackets have lower limits instead of upper limits."""
    source = {"since": figure["since"], "references": figure["references"]}
    if "value" in figure:
        return {"value": parse_number(figure["value"]), **source}
    rows = figure["brackets"]
    lower_limits = ["0", *(row["upper_limit"] for row in rows[:-1])]
    brackets = [
        {"above": parse_number(above), "rate": parse_number(row["rate"])}
        | ({"constant": parse_number(row["constant"])} if row["constant"] is not None else {})
        for above, row in zip(lower_limits, rows, strict=True)
    ]
    return {"brackets": brackets, **source}


def parse_number(text: str) -> int | float:
    """Parse a decimal number. Return a float if the text has a decimal point, otherwise an integer."""
    return float(text) if "." in text else int(text)

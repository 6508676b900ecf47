"""`GET /schedules`: every figure of the law, with its unit, its date and where it stands."""

from typing import Any

import orjson
from flask import Blueprint, Response, request

from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.middleware.request_log import request_id
from income_tax.http.responses import JSON, answer, errors_body, raw_answer
from income_tax.storage.schedule_snapshot import CurrentSchedules
from income_tax.tax.schedule_data import Schedules

from .single_household import of_version


def blueprint(schedules: CurrentSchedules, login_required: LoginRequired) -> Blueprint:
    """The routes of the schedules."""
    routes = Blueprint("schedules", __name__)

    @routes.get("/schedules", provide_automatic_options=False)
    @login_required
    def all_schedules() -> Response:
        now = schedules.get()
        figures = {name: {n: outward(f) for n, f in s.items()} for name, s in now.data["schedules"].items()}
        words = {"parameters": now.data["parameters"], "schedules": figures}
        return cached({"version": now.version, "years": [*now.years]} | words, now)

    @routes.get("/schedules/<name>", provide_automatic_options=False)
    @login_required
    def one_schedule(name: str) -> Response:
        now = schedules.get()
        figures = now.data["schedules"].get(name)
        if figures is None:
            names = sorted(now.data["schedules"])
            sentence = f"there is no schedule of that name: there are {', '.join(names)}"
            return answer(errors_body([sentence], request_id(), expected=names), 404)
        words = now.data["parameters"]
        parameters = {n: words.get(n, {}) | outward(figure) for n, figure in figures.items()}
        return cached({"version": now.version, "schedule": name, "parameters": parameters}, now)

    return routes


def cached(content: dict[str, Any], now: Schedules) -> Response:
    """An answer that its reader may keep, and ask with its ETag whether it is still right (RFC 9110, 13.1.2)."""
    body = orjson.dumps({"response": content}, option=orjson.OPT_SORT_KEYS)
    response = of_version(raw_answer(body, JSON), now)
    response.add_etag()  # of the bytes: a new form of the same figures is another answer
    response.headers["Cache-Control"] = "private"
    response.make_conditional(request)
    return response


def outward(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure with its numbers as numbers, and with brackets by where they begin."""
    rest = {"since": figure["since"], "references": figure["references"]}
    if "value" in figure:
        return {"value": number(figure["value"]), **rest}
    rows = figure["brackets"]
    begins = ["0", *(row["upper_limit"] for row in rows[:-1])]
    brackets = [
        {"above": number(above), "rate": number(row["rate"])}
        | ({"constant": number(row["constant"])} if row["constant"] is not None else {})
        for above, row in zip(begins, rows, strict=True)
    ]
    return {"brackets": brackets, **rest}


def number(text: str) -> int | float:
    """A number of JSON: the shortest that is the decimal of the data."""
    return float(text) if "." in text else int(text)

"""The id of a request, and the log lines that stand for it."""

import re
import secrets
from typing import cast

import structlog
from flask import Flask, Response, g, request

from income_tax.http.responses import CSV, JSON
from income_tax.service_log import Log, Say, shorten

HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
BEGUN = "income_tax.request_id"  # in the environment of a request whose first line is in the log already
QUIET = ("/health/live", "/health/ready")  # asked every few seconds: their lines are of level debug


def request_id() -> str:
    """The id of the request that this thread answers."""
    return cast(str, g.request_id)


def new_request_id() -> str:
    """32 hexadecimal digits, as nginx makes them."""
    return secrets.token_hex(16)


def id_of(given: str) -> str:
    """The id of a request: the one that it came with, where that is well-formed, or a new one."""
    return given if WELL_FORMED.fullmatch(given) else new_request_id()


def place() -> str:
    """The name of the function that answers, as the log shows it."""
    return (request.endpoint or "unknown").rpartition(".")[2]


def url() -> str:
    """The request's target as it was sent."""
    return cast(str, request.environ.get("RAW_URI") or request.full_path)


def body_of(response: Response) -> dict[str, object]:
    """The body of an answer as the log shows it: that of a page, or of a file of one, by its kind and size alone."""
    if response.mimetype in (JSON, CSV):
        return shorten(response.get_data(as_text=True))
    return {"body": f"[{response.mimetype}, {response.content_length or 0} bytes]"}


def register(app: Flask, log: Log, say: Say) -> None:
    """Give each request an id, and the log a line when it comes and one when it is answered."""

    def tell(event: str, **fields: object) -> None:
        if request.path in QUIET:
            log.debug(event, place=place(), **fields)
        else:
            say(event, {"place": place(), **fields, "request_id": g.request_id})

    @app.before_request
    def begin() -> None:
        begun = request.environ.get(BEGUN)
        g.request_id = begun or id_of(request.headers.get(HEADER, ""))
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        if not begun:
            tell("request", method=request.method, url=url(), remote=request.remote_addr)

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()  # the thread's next lines may be nobody's

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        version = {"schedules": g.schedules} if "schedules" in g else {}
        tell("answer", status=response.status_code, **version, **body_of(response))
        return response

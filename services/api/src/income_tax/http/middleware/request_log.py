"""Hooks of the Flask application that log each request and its response."""

from typing import cast

import structlog
from flask import Flask, Response, g, request

from income_tax.http.request_id import REQUEST_ID_HEADER
from income_tax.http.responses import CSV, JSON

from .request_lines import RequestLines, RequestLog

LOGGED = "income_tax.request_lines"  # WSGI environment key of the RequestLines; set if the request is already logged
# Response header for nginx. It tells nginx to omit the request from its log if the request is outside the sample.
OMITTED = ("X-Access-Log", "off")
# Successful requests to these paths are logged at level debug. The health checks are polled every few seconds, and the
# log contains the request whose login was checked.
QUIET = ("/health/live", "/health/ready", "/login-check")


def get_place() -> str:
    """Return the name of the view function for the log field `place`, or `unknown` if no route matches."""
    return (request.endpoint or "unknown").rpartition(".")[2]


def get_url() -> str:
    """Return the request target (RFC 9112, 3.2) as the client sent it."""
    return cast(str, request.environ.get("RAW_URI") or request.full_path)


def describe_body(response: Response) -> str:
    """Return the body for the log if it is JSON or CSV and not compressed. Otherwise return its media type and size."""
    if response.mimetype in (JSON, CSV) and not response.content_encoding:
        return response.get_data(as_text=True)
    return f"[{response.mimetype}, {response.content_length or 0} bytes]"


def register(app: Flask, log: RequestLog) -> None:
    """Register hooks that assign an id to each request. The hooks also log each request and its response."""

    @app.before_request
    def start_request() -> None:
        logged: RequestLines | None = request.environ.get(LOGGED)
        g.lines = logged or log.start(request.environ, get_place(), request.method, get_url(), request.path in QUIET)
        g.request_id = g.lines.request_id
        structlog.contextvars.bind_contextvars(**g.lines.context)

    @app.teardown_request
    def clear_context(error: BaseException | None) -> None:
        if error is not None:  # no response was sent
            g.lines.release()
        # Clear the request id, because the next log line of this thread might not belong to a request.
        structlog.contextvars.clear_contextvars()

    @app.after_request
    def finish_request(response: Response) -> Response:
        response.headers[REQUEST_ID_HEADER] = g.request_id
        body, login = describe_body(response), g.get("login")
        if not g.lines.log_answer(response.status_code, g.get("schedules"), body, login):
            response.headers.add(*OMITTED)
        return response

"""Request log. Each request produces the log event `request` on arrival and the log event `answer` at the end."""

from typing import cast

import structlog
from flask import Flask, Response, g, request

from income_tax.http.request_id import REQUEST_ID_HEADER, choose_request_id
from income_tax.http.responses import CSV, JSON
from income_tax.service_log import RequestLogger, shorten

LOGGED_ID = "income_tax.request_id"  # WSGI environment key of the request id; set if the request is already logged
# Successful requests to these paths are logged at level debug. The health checks are polled every few seconds, and the
# log contains the request whose login was checked.
QUIET = ("/health/live", "/health/ready", "/login-check")


def log_request(
    log: RequestLogger, request_id: str, place: str, method: str, url: str, remote: str | None, level: str = "info"
) -> None:
    """Log the arrival of a request from the address `remote`."""
    fields = {"place": place, "method": method, "url": url, "remote": remote, "request_id": request_id}
    log("request", fields, level)


def log_answer(
    log: RequestLogger,
    request_id: str,
    place: str,
    status: int,
    schedules_version: str | None,
    body: str,
    level: str = "info",
) -> None:
    """Log a response and its body. Truncate the body to 4 KB. Omit the schedules version if it is None."""
    version = {"schedules": schedules_version} if schedules_version else {}
    fields = {"place": place, "status": status, **version, **shorten(body), "request_id": request_id}
    log("answer", fields, level)


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


def register(app: Flask, log: RequestLogger) -> None:
    """Register hooks that assign an id to each request. The hooks also log each request and its response."""

    def choose_level(status: int = 200) -> str:
        return "debug" if request.path in QUIET and status < 400 else "info"

    @app.before_request
    def start_request() -> None:
        logged_id = request.environ.get(LOGGED_ID)
        g.request_id = logged_id or choose_request_id(request.headers.get(REQUEST_ID_HEADER, ""))
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        if not logged_id:
            log_request(log, g.request_id, get_place(), request.method, get_url(), request.remote_addr, choose_level())

    @app.teardown_request
    def clear_context(_error: BaseException | None) -> None:
        # Clear the request id, because the next log line of this thread might not belong to a request.
        structlog.contextvars.clear_contextvars()

    @app.after_request
    def finish_request(response: Response) -> Response:
        response.headers[REQUEST_ID_HEADER] = g.request_id
        status, version, body = response.status_code, g.get("schedules"), describe_body(response)
        log_answer(log, g.request_id, get_place(), status, version, body, choose_level(status))
        return response

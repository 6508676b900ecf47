"""The id of a request, and its two log lines: `request` when it arrives, `answer` when it is answered."""

import re
import secrets
from typing import cast

import structlog
from flask import Flask, Response, g, request

from income_tax.http.responses import CSV, JSON
from income_tax.service_log import RequestLogger, shorten

REQUEST_ID_HEADER = "X-Request-ID"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
LOGGED_ID = "income_tax.request_id"  # key of a WSGI environment whose request is in the log already
QUIET = ("/health/live", "/health/ready")  # polled every few seconds: their lines have the level debug


def create_request_id() -> str:
    """Return 32 random hexadecimal digits, in the format of nginx."""
    return secrets.token_hex(16)


def choose_request_id(header: str) -> str:
    """Return the id in the request's header if it is well-formed, else a new one."""
    return header if REQUEST_ID.fullmatch(header) else create_request_id()


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
    """Log an answer with its body, truncated to 4 KB; `schedules_version` only for a calculation."""
    version = {"schedules": schedules_version} if schedules_version else {}
    fields = {"place": place, "status": status, **version, **shorten(body), "request_id": request_id}
    log("answer", fields, level)


def get_place() -> str:
    """Return the name of the view function, which the log shows as the place."""
    return (request.endpoint or "unknown").rpartition(".")[2]


def get_url() -> str:
    """Return the request's target as the client sent it."""
    return cast(str, request.environ.get("RAW_URI") or request.full_path)


def describe_body(response: Response) -> str:
    """Return the body of a response for the log; a page, or a file of one, is replaced by its type and size."""
    if response.mimetype in (JSON, CSV):
        return response.get_data(as_text=True)
    return f"[{response.mimetype}, {response.content_length or 0} bytes]"


def register(app: Flask, log: RequestLogger) -> None:
    """Give each request an id, and log its arrival and its answer."""

    def choose_level() -> str:
        return "debug" if request.path in QUIET else "info"

    @app.before_request
    def start_request() -> None:
        logged_id = request.environ.get(LOGGED_ID)
        g.request_id = logged_id or choose_request_id(request.headers.get(REQUEST_ID_HEADER, ""))
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        if not logged_id:
            log_request(log, g.request_id, get_place(), request.method, get_url(), request.remote_addr, choose_level())

    @app.teardown_request
    def clear_context(_error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()  # this thread's next lines may belong to no request

    @app.after_request
    def finish_request(response: Response) -> Response:
        response.headers[REQUEST_ID_HEADER] = g.request_id
        version, body = g.get("schedules"), describe_body(response)
        log_answer(log, g.request_id, get_place(), response.status_code, version, body, choose_level())
        return response

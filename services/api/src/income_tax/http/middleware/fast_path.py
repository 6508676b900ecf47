"""A fast path for the most frequent request, `GET /` with a cached login.

The fast path checks the login, logs the request and computes the result with the functions that the Flask application
uses, but without Flask's overhead. Flask handles all other requests, and requests that fail on the fast path.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from income_tax.http.auth.basic_auth import Authenticator
from income_tax.http.request_id import REQUEST_ID_HEADER, choose_request_id
from income_tax.http.responses import JSON, SCHEDULES_HEADER
from income_tax.http.routes.calculation import answer_query
from income_tax.service_log import RequestLogger
from income_tax.storage.schedule_snapshot import CurrentSchedules

from .request_log import LOGGED_ID, log_answer, log_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PLACE = "index"  # the name of Flask's view function for this route
STATUS_LINES = {status: f"{status} {HTTPStatus(status).phrase.upper()}" for status in (200, 400)}


class FastPathMiddleware:
    """Answers `GET /` requests with a cached login, and passes other requests to the application."""

    def __init__(
        self, app: WSGIApplication, authenticator: Authenticator, schedules: CurrentSchedules, log: RequestLogger
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._schedules = schedules
        self._log = log

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request."""
        if (
            environ["PATH_INFO"] != "/"
            or environ["REQUEST_METHOD"] != "GET"
            or "CONTENT_LENGTH" in environ
            or "HTTP_TRANSFER_ENCODING" in environ
            or not self._authenticator.is_cached(environ.get("HTTP_AUTHORIZATION", ""))
        ):
            return self._app(environ, start_response)
        environ[LOGGED_ID] = request_id = choose_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        query = environ.get("QUERY_STRING", "")
        url = environ.get("RAW_URI") or f"/?{query}"
        log_request(self._log, request_id, PLACE, "GET", url, environ.get("REMOTE_ADDR"))
        try:
            status, body, version = answer_query(query, self._schedules.get(), request_id)
        except Exception:  # Flask processes the request again, fails too, and notifies the administrator
            return self._app(environ, start_response)
        log_answer(self._log, request_id, PLACE, status, version, body.decode())
        headers = [("Content-Type", JSON), ("Content-Length", str(len(body)))]
        if version:
            headers.append((SCHEDULES_HEADER, version))
        start_response(STATUS_LINES[status], [*headers, (REQUEST_ID_HEADER, request_id)])
        return [body]

"""A fast path for the most frequent requests. These are `GET /` requests with a query and cached credentials.

The fast path calls the same functions as the Flask application to check credentials, log requests and compute results.
It avoids Flask's overhead. Flask handles all other requests, and requests that cause an exception on the fast path.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from income_tax.http.auth.basic_auth import Authenticator
from income_tax.http.request_id import REQUEST_ID_HEADER
from income_tax.http.responses import JSON, SCHEDULES_HEADER
from income_tax.http.routes.calculation import answer_query
from income_tax.metrics.worker_counters import WorkerCounters
from income_tax.storage.schedule_snapshot import CurrentSchedules

from .metrics import ROUTE
from .request_lines import RequestLog
from .request_log import LOGGED, OMITTED

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PLACE = "index"  # value of the log field `place`, which is the name of Flask's view function for `GET /`
STATUS_LINES = {status: f"{status} {HTTPStatus(status).phrase.upper()}" for status in (200, 400)}


class FastPathMiddleware:
    """Answers `GET /` requests with a query and cached credentials. Passes all other requests to the application."""

    def __init__(
        self,
        app: WSGIApplication,
        authenticator: Authenticator,
        schedules: CurrentSchedules,
        counters: WorkerCounters,
        log: RequestLog,
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._schedules = schedules
        self._counters = counters
        self._log = log

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request, or pass the request to the application."""
        if (
            environ["PATH_INFO"] != "/"
            or environ["REQUEST_METHOD"] != "GET"
            or not environ.get("QUERY_STRING")  # Flask redirects browsers to the simulator
            or "CONTENT_LENGTH" in environ
            or "HTTP_TRANSFER_ENCODING" in environ
            or not (login := self._authenticator.find_cached_login(environ.get("HTTP_AUTHORIZATION", "")))
        ):
            return self._app(environ, start_response)
        query = environ.get("QUERY_STRING", "")
        environ[LOGGED] = lines = self._log.start(environ, PLACE, "GET", environ.get("RAW_URI") or f"/?{query}")
        try:
            status, body, version, year = answer_query(query, self._schedules.get(), lines.request_id)
        except Exception:  # Flask processes the request again. If Flask also fails, its error handler sends an alert.
            lines.release()
            return self._app(environ, start_response)
        environ[ROUTE] = self._counters.index_route
        headers = [("Content-Type", JSON), ("Content-Length", str(len(body)))]
        if not lines.log_answer(status, version, body.decode(), login):
            headers.append(OMITTED)
        if version:
            self._counters.count_household(year)
            headers.append((SCHEDULES_HEADER, version))
        start_response(STATUS_LINES[status], [*headers, (REQUEST_ID_HEADER, lines.request_id)])
        return [body]

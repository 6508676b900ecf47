"""The short way for the request that comes in floods: `GET /` by a login that is remembered.

It does with the very same functions what Flask's way does (login, request id, log lines, answer), without what a
framework has for every other case. Whatever is unusual goes Flask's way, and so does what fails here.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from income_tax.http.auth.basic_auth import Logins
from income_tax.http.responses import JSON
from income_tax.http.routes.single_household import SCHEDULES_HEADER, answer_query
from income_tax.service_log import Say, shorten
from income_tax.storage.schedule_snapshot import CurrentSchedules

from .request_log import BEGUN, HEADER, id_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PLACE = "index"  # the function that answers, as the log shows it
STATUS_LINES = {status: f"{status} {HTTPStatus(status).phrase.upper()}" for status in (200, 400)}


class Front:
    """The application, with the short way before it."""

    def __init__(self, app: WSGIApplication, logins: Logins, schedules: CurrentSchedules, say: Say) -> None:
        self._app = app
        self._logins = logins
        self._schedules = schedules
        self._say = say

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The answer."""
        if (
            environ["PATH_INFO"] != "/"
            or environ["REQUEST_METHOD"] != "GET"
            or "CONTENT_LENGTH" in environ
            or "HTTP_TRANSFER_ENCODING" in environ
            or not self._logins.knows(environ.get("HTTP_AUTHORIZATION", ""))
        ):
            return self._app(environ, start_response)
        environ[BEGUN] = request_id = id_of(environ.get("HTTP_X_REQUEST_ID", ""))
        query = environ.get("QUERY_STRING", "")
        said = {"url": environ.get("RAW_URI") or f"/?{query}", "remote": environ.get("REMOTE_ADDR")}
        self._say("request", {"place": PLACE, "method": "GET", **said, "request_id": request_id})
        try:
            status, body, version = answer_query(query, self._schedules.get(), request_id)
        except Exception:  # it fails there again, where the administrator is told
            return self._app(environ, start_response)
        headers = [("Content-Type", JSON), ("Content-Length", str(len(body)))]
        facts: dict[str, object] = {"place": PLACE, "status": status}
        if version:
            headers.append((SCHEDULES_HEADER, version))
            facts["schedules"] = version
        headers.append((HEADER, request_id))
        self._say("answer", {**facts, **shorten(body.decode()), "request_id": request_id})
        start_response(STATUS_LINES[status], headers)
        return [body]

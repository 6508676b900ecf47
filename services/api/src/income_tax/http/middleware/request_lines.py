"""The log lines of a request, which are the event `request` on arrival and the event `answer` at the end."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from income_tax.http.request_id import choose_request_id
from income_tax.http.traceparent import parse_trace_id
from income_tax.service_log import RequestLogger, shorten

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ARRIVAL = "income_tax.arrival"  # WSGI environment key of the value of `perf_counter` at the arrival of the request


class RequestLines:
    """Logs the arrival of one request, and later its answer. `context` has the fields of every line of the request.

    If `quiet` is set, the lines of a successful request have the level debug.
    """

    __slots__ = ("_arrival", "_level", "_log", "_place", "context", "request_id")

    def __init__(
        self, log: RequestLogger, environ: WSGIEnvironment, place: str, method: str, url: str, quiet: bool = False
    ) -> None:
        self.request_id = choose_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        self.context = {"request_id": self.request_id}
        if "HTTP_TRACEPARENT" in environ and (trace_id := parse_trace_id(environ["HTTP_TRACEPARENT"])):
            self.context["trace_id"] = trace_id
        self._log, self._place, self._level = log, place, "debug" if quiet else "info"
        self._arrival: float = environ.get(ARRIVAL) or perf_counter()
        fields = {"place": place, "method": method, "url": url, "remote": environ.get("REMOTE_ADDR"), **self.context}
        log("request", fields, self._level)

    def log_answer(self, status: int, schedules_version: str | None, body: str, login: str | None) -> None:
        """Log a response and its body. Truncate the body to 4 KB. Omit the schedules version and the login if None."""
        fields = {"place": self._place, "status": status, "duration": round(perf_counter() - self._arrival, 6)}
        if login:
            fields["login"] = login
        if schedules_version:
            fields["schedules"] = schedules_version
        level = "info" if status >= 400 else self._level
        self._log("answer", {**fields, **shorten(body), **self.context}, level)

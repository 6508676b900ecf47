"""The log lines of a request, which are the event `request` on arrival and the event `answer` at the end.

The log contains only a sample of the successful requests, and all failed requests. The arrival of a request outside the
sample is held back until the request ends. It is logged if the request fails.
"""

from __future__ import annotations

from collections.abc import Callable
from random import random
from time import perf_counter
from typing import TYPE_CHECKING, Any

from income_tax.http.request_id import choose_request_id
from income_tax.http.traceparent import parse_trace_id
from income_tax.service_log import RequestLogger, shorten
from tax_common.logs.log_lines import Clock

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ARRIVAL = "income_tax.arrival"  # WSGI environment key of the value of `perf_counter` at the arrival of the request
CLOCK = Clock()


class RequestLines:
    """Logs the arrival of one request, and later its answer. `context` has the fields of every line of the request.

    If `quiet` is set, the lines of a successful request have the level debug. If `sampled` is not set, only the lines
    of a failed request are logged.
    """

    __slots__ = ("_arrival", "_held", "_level", "_log", "_place", "context", "request_id")

    def __init__(
        self,
        log: RequestLogger,
        environ: WSGIEnvironment,
        place: str,
        method: str,
        url: str,
        *,
        quiet: bool = False,
        sampled: bool = True,
    ) -> None:
        self.request_id = choose_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        self.context = {"request_id": self.request_id}
        if "HTTP_TRACEPARENT" in environ and (trace_id := parse_trace_id(environ["HTTP_TRACEPARENT"])):
            self.context["trace_id"] = trace_id
        self._log, self._place, self._level = log, place, "debug" if quiet else "info"
        self._arrival: float = environ.get(ARRIVAL) or perf_counter()
        fields = {"place": place, "method": method, "url": url, "remote": environ.get("REMOTE_ADDR"), **self.context}
        self._held: dict[str, Any] | None = None
        if sampled:
            log("request", fields, self._level)
        else:
            self._held = {"time": CLOCK.now(), **fields}

    def release(self) -> None:
        """Log the arrival if it is held back, because the request fails. The answer is then logged too."""
        if self._held is not None:
            self._log("request", self._held, self._level)
            self._held = None

    def log_answer(self, status: int, schedules_version: str | None, body: str, login: str | None) -> bool:
        """Log a response and its body. Return False if the log omits the request, and otherwise True.

        Truncate the body to 4 KB. Omit the schedules version and the login if they are None.
        """
        if status >= 400:
            self.release()
        if self._held is not None:
            return False
        fields = {"place": self._place, "status": status, "duration": round(perf_counter() - self._arrival, 6)}
        if login:
            fields["login"] = login
        if schedules_version:
            fields["schedules"] = schedules_version
        level = "info" if status >= 400 else self._level
        self._log("answer", {**fields, **shorten(body), **self.context}, level)
        return True


class RequestLog:
    """Starts the lines of each request. The sample contains each request with the probability `share`."""

    def __init__(self, log: RequestLogger, share: float = 1.0, choose: Callable[[], float] = random) -> None:
        self._log, self._share, self._choose = log, share, choose

    def start(self, environ: WSGIEnvironment, place: str, method: str, url: str, quiet: bool = False) -> RequestLines:
        """Log the arrival of a request, or hold it back."""
        sampled = self._choose() < self._share
        return RequestLines(self._log, environ, place, method, url, quiet=quiet, sampled=sampled)

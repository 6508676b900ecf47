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
    """Logs the arrival of one request, and later its answer.

    If `quiet` is set, the lines of a successful request have the level debug. If `sampled` is not set, only the lines
    of a failed request are logged.
    """

    __slots__ = ("_arrival", "_held", "_level", "_log", "_place", "_trace_id", "request_id")

    def __init__(
        self,
        log: RequestLogger,
        environ: WSGIEnvironment,
        place: str,
        method: str,
        url: str,
        quiet: bool = False,
        sampled: bool = True,
    ) -> None:
        self._arrival: float = environ.get(ARRIVAL) or perf_counter()
        self.request_id = request_id = choose_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        self._log, self._place, self._level = log, place, (level := "debug" if quiet else "info")
        self._held: dict[str, Any] | None = None
        remote = environ.get("REMOTE_ADDR")
        fields = {"place": place, "method": method, "url": url, "remote": remote, "request_id": request_id}
        self._trace_id = parse_trace_id(environ["HTTP_TRACEPARENT"]) if "HTTP_TRACEPARENT" in environ else None
        if self._trace_id:
            fields["trace_id"] = self._trace_id
        if sampled:
            log("request", fields, level)
        else:
            self._held = {"time": CLOCK.now(), **fields}

    @property
    def context(self) -> dict[str, str]:
        """The fields of every line of the request: the request id, and the trace id if there is one."""
        return {"request_id": self.request_id, **({"trace_id": self._trace_id} if self._trace_id else {})}

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
        duration = int((perf_counter() - self._arrival) * 1e6) / 1e6  # faster than round()
        fields: dict[str, Any] = {"place": self._place, "status": status, "duration": duration}
        if login:
            fields["login"] = login
        if schedules_version:
            fields["schedules"] = schedules_version
        fields |= shorten(body)
        fields["request_id"] = self.request_id
        if self._trace_id:
            fields["trace_id"] = self._trace_id
        self._log("answer", fields, "info" if status >= 400 else self._level)
        return True


class RequestLog:
    """Starts the lines of each request. The sample contains each request with the probability `share`."""

    def __init__(self, log: RequestLogger, share: float = 1.0, choose: Callable[[], float] = random) -> None:
        self._log, self._share, self._choose = log, share, choose
        self._is_complete = share >= 1

    def start(self, environ: WSGIEnvironment, place: str, method: str, url: str, quiet: bool = False) -> RequestLines:
        """Log the arrival of a request, or hold it back."""
        sampled = self._is_complete or self._choose() < self._share
        return RequestLines(self._log, environ, place, method, url, quiet, sampled)

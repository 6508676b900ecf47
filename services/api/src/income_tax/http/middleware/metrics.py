"""Middleware that records the status and latency of every response.

It does not record responses to health checks and to `/status`. It also does not record the status 204, which only nginx
receives. nginx then sends the client's request.
"""

import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from income_tax.monitoring.worker_metrics import WorkerMetrics

from .request_lines import ARRIVAL

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

UNCOUNTED = ("/health/", "/status")


class MetricsMiddleware:
    """Records the status and latency of the application's responses."""

    def __init__(self, app: "WSGIApplication", activity: WorkerMetrics) -> None:
        self._app, self._count = app, activity.record

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Call the application, record the status and latency of its response, and return the response."""
        environ[ARRIVAL] = began = time.perf_counter()
        if environ.get("PATH_INFO", "").startswith(UNCOUNTED):
            return self._app(environ, start_response)
        status = 500

        def start(line: str, *rest: Any) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, *rest)

        try:
            return self._app(environ, start)
        finally:
            if status != HTTPStatus.NO_CONTENT:
                self._count(status, time.perf_counter() - began)

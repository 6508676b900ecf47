"""Middleware that counts the status and latency of every response.

It does not count the status 204, which only nginx receives. nginx then sends the client's request.
"""

import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, request

from income_tax.metrics.worker_counters import Route, WorkerCounters

from .request_lines import ARRIVAL

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROUTE = "income_tax.route"  # WSGI environment key of the number of the request's route


class MetricsMiddleware:
    """Counts the application's responses. The application sets ROUTE in the WSGI environment."""

    def __init__(self, app: "WSGIApplication", counters: WorkerCounters) -> None:
        self._app, self._counters = app, counters

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Call the application, count its response, and return the response."""
        environ[ARRIVAL] = began = time.perf_counter()
        status = 500

        def start(line: str, *rest: Any) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, *rest)

        self._counters.begin_request()
        try:
            return self._app(environ, start)
        finally:
            if status == HTTPStatus.NO_CONTENT:
                self._counters.discard_response()
            else:
                microseconds = int((time.perf_counter() - began) * 1e6)
                self._counters.record_response(environ.get(ROUTE, 0), status, microseconds)


def name_routes(app: Flask, counters: WorkerCounters) -> None:
    """Count the responses of each route of the application separately. Call this function after the last route."""
    rules = app.url_map.iter_rules()
    routes = {Route(method, rule.rule) for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    counters.set_routes(sorted(routes))


def register(app: Flask, counters: WorkerCounters) -> None:
    """Register a hook that sets the route of each request. Call this function before other hooks are registered."""

    @app.before_request
    def find_route() -> None:
        if request.url_rule:
            request.environ[ROUTE] = counters.find_route(request.method, request.url_rule.rule)

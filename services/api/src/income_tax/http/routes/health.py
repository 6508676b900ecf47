"""Liveness and readiness checks, which do not require a login."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response

from income_tax import __version__
from income_tax.http.responses import build_response


def build_blueprint(read_state: Callable[[], dict[str, Any]]) -> Blueprint:
    """Build the blueprint of the health checks. `read_state` returns the state of this process."""
    routes = Blueprint("health", __name__, url_prefix="/health")

    @routes.get("/live", provide_automatic_options=False)
    def live() -> Response:
        return build_response({"status": "alive", "version": __version__})

    @routes.get("/ready", provide_automatic_options=False)
    def ready() -> Response:
        # A degraded service can still calculate, so it reports its problems and remains ready.
        state = read_state()
        figures = {"schedules": state["schedules"], "log_lines_lost": state["lines_lost"]}
        return build_response({"status": "ready", "version": __version__, "degraded": state["troubles"], **figures})

    return routes

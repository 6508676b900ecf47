"""Alive (the process answers) and ready (it can calculate), told apart; both without login."""

from flask import Blueprint, Response

from income_tax import __version__
from income_tax.bootstrap import Services
from income_tax.http.responses import answer


def blueprint(services: Services) -> Blueprint:
    """The routes of the health checks."""
    routes = Blueprint("health", __name__, url_prefix="/health")

    @routes.get("/live", provide_automatic_options=False)
    def live() -> Response:
        return answer({"status": "alive", "version": __version__})

    @routes.get("/ready", provide_automatic_options=False)
    def ready() -> Response:
        # What is degraded is said and does not make it unready: it calculates.
        state = {"status": "ready", "version": __version__, "degraded": services.troubles()}
        figures = {"schedules": services.schedules.get().version, "log_lines_lost": services.log_file.lost}
        return answer(state | figures)

    return routes

"""Routes that fail deliberately, for drills and tests. The setting DRILL_ROUTE enables these routes."""

from flask import Blueprint, Response

from income_tax.http.auth.basic_auth import LoginRequired


class Drill(Exception):
    """A deliberate failure."""


def build_blueprint(login_required: LoginRequired) -> Blueprint:
    """Build the blueprint of `GET /drill` and `GET /drill/other`, which fail in two different ways."""
    routes = Blueprint("drill", __name__)

    @routes.get("/drill", provide_automatic_options=False)
    @login_required
    def drill() -> Response:
        raise Drill("this failure is a drill")

    @routes.get("/drill/other", provide_automatic_options=False)
    @login_required
    def other() -> Response:
        raise Drill("this other failure is a drill")

    return routes

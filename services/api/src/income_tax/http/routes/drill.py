"""Routes that fail on purpose, for drills and tests; the setting DRILL_ROUTE enables them."""

from flask import Blueprint, Response

from income_tax.http.auth.basic_auth import LoginRequired


class Drill(Exception):
    """A failure on purpose."""


def build_blueprint(login_required: LoginRequired) -> Blueprint:
    """Build the routes `GET /drill` and `GET /drill/other`, failures of two kinds."""
    routes = Blueprint("drill", __name__)

    @routes.get("/drill", provide_automatic_options=False)
    @login_required
    def drill() -> Response:
        raise Drill("a drill: this failure was asked for")

    @routes.get("/drill/other", provide_automatic_options=False)
    @login_required
    def other() -> Response:
        raise Drill("a drill: this other failure was asked for")

    return routes

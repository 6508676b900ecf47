"""`GET /docs`: the API documentation, in which a reader can try every call (Swagger UI)."""

from flask import Blueprint, Response

from income_tax.http.auth.basic_auth import LoginRequired

from .rendering import TEXTS, render_page, render_rejected_login

# Swagger UI has its icons as images within its style sheet.
POLICY = {"img-src": "'self' data:"}


def build_blueprint(login_required: LoginRequired) -> Blueprint:
    """Build the route of the page."""
    routes = Blueprint("docs", __name__, template_folder="templates")
    routes.after_request(render_rejected_login)

    @routes.get("/docs", provide_automatic_options=False)
    @login_required
    def docs() -> Response:
        return render_page("docs.html", POLICY, language="en", text=TEXTS["en"])

    return routes

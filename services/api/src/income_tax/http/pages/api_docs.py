"""`GET /docs`, the API documentation in Swagger UI. Users can send requests from this page."""

from flask import Blueprint, Response

from income_tax.http.auth.basic_auth import LoginRequired

from .rendering import TRANSLATIONS, render_page, render_rejected_login

# Allow images from data URLs, because the style sheet of Swagger UI contains icons as data URLs.
POLICY = {"img-src": "'self' data:"}


def build_blueprint(login_required: LoginRequired) -> Blueprint:
    """Build the blueprint of the page."""
    routes = Blueprint("docs", __name__, template_folder="templates")
    routes.after_request(render_rejected_login)

    @routes.get("/docs", provide_automatic_options=False)
    @login_required
    def docs() -> Response:
        return render_page("docs.html", POLICY, language="en", text=TRANSLATIONS["en"])

    return routes

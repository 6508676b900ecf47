"""`GET /docs`: the description of the API as a page on which every call can be tried (Swagger UI)."""

from flask import Blueprint, Response

from income_tax.http.auth.basic_auth import LoginRequired

from .rendering import TEXTS, in_words, page

# Swagger UI draws its icons as pictures within its style sheet.
POLICY = {"img-src": "'self' data:"}


def blueprint(login_required: LoginRequired) -> Blueprint:
    """The route of the page."""
    routes = Blueprint("docs", __name__, template_folder="templates")
    routes.after_request(in_words)

    @routes.get("/docs", provide_automatic_options=False)
    @login_required
    def docs() -> Response:
        return page("docs.html", POLICY, language="en", text=TEXTS["en"])

    return routes

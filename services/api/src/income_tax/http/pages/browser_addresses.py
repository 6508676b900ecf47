"""Redirects from addresses that people type into a browser, and the page for addresses that do not exist."""

from typing import Any

from flask import Blueprint, Response, request

from .rendering import TRANSLATIONS, choose_language, prefers_html, set_page

PAGES = ("/simulator", "/docs", "/status")
# Maximum length of a query in a redirect. werkzeug encodes some characters as three, and nginx treats an answer whose
# headers exceed 8 KB as a failure of the replica.
QUERY_MAX = 1500


def build_blueprint() -> Blueprint:
    """Build the blueprint, whose hooks run for all requests of the application. They require no login."""
    routes = Blueprint("browser_addresses", __name__, template_folder="templates")

    @routes.before_app_request
    def redirect() -> Response | None:
        if request.method not in ("GET", "HEAD"):
            return None
        if is_bare_root() and prefers_html():
            return build_redirect(302, "/simulator")
        path = get_path()
        if (page := path.removesuffix("/")) in PAGES and page != path:
            query = request.query_string.decode("latin-1")
            return build_redirect(308, f"{page}?{query}" if 0 < len(query) <= QUERY_MAX else page)
        return None

    @routes.after_app_request
    def adapt_to_browser(response: Response) -> Response:
        if is_bare_root():
            response.vary.add("Accept")
        if response.status_code == 404 and request.url_rule is None and prefers_html():
            language = choose_language()
            values: dict[str, Any] = {"text": TRANSLATIONS[language], "pages": PAGES, "address": request.path}
            return set_page(response, "not_found.html", language=language, **values)
        return response

    return routes


def is_bare_root() -> bool:
    """Return whether the request has the path `/` and no parameters, as if a person typed the name of the host."""
    return get_path() == "/" and not request.query_string


def get_path() -> str:
    """Return the path of the request. `request.path` would merge slashes at the start of the path."""
    return str(request.environ["PATH_INFO"])


def build_redirect(status: int, target: str) -> Response:
    """Build a redirect to a path of this service."""
    return Response(status=status, headers={"Location": target})

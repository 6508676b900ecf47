"""Renderer of the HTML pages. Each page has a Content-Security-Policy."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, render_template, request

from income_tax.http.responses import JSON

from .static_files import FILES, build_url

TRANSLATIONS: dict[str, dict[str, str]] = json.loads(FILES["translations.json"])  # by language and key

# A page can contact only its own server, to load files and to send requests. Inline scripts and styles are blocked.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def render_page(template: str, policy: Mapping[str, str] | None = None, **values: Any) -> Response:
    """Build a response with a page. `policy` overrides directives of the common Content-Security-Policy (W3C CSP 3)."""
    return set_page(Response(), template, policy, **values)


def set_page(response: Response, template: str, policy: Mapping[str, str] | None = None, **values: Any) -> Response:
    """Replace the body of a response with a page, and set the headers of a page. Return the response."""
    response.set_data(render_template(template, static=build_url, **values))
    response.mimetype = "text/html"
    rules = {**POLICY, **(policy or {})}
    response.headers["Content-Security-Policy"] = "; ".join(f"{name} {sources}" for name, sources in rules.items())
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def choose_language() -> str:
    """Return the available language that the browser prefers, or English."""
    return request.accept_languages.best_match(list(TRANSLATIONS), "en")


def render_rejected_login(response: Response) -> Response:
    """Replace the JSON body of a response with status 401 or 429 with a page if the client prefers HTML."""
    prefers_html = request.accept_mimetypes.best_match([JSON, "text/html"]) == "text/html"
    if response.status_code not in (401, 429) or not prefers_html:
        return response
    language, seconds = choose_language(), response.headers.get("Retry-After")
    return set_page(response, "login_required.html", language=language, text=TRANSLATIONS[language], seconds=seconds)

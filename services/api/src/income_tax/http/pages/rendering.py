"""Renderer of the HTML pages. Each page has a Content-Security-Policy."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, render_template, request

from income_tax.http.responses import JSON

from .static_files import FILES, build_url

# A mapping from language to a mapping from key to text.
TRANSLATIONS: dict[str, dict[str, str]] = json.loads(FILES["translations.json"])

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
    """Build a response that contains a page. `policy` overrides directives of POLICY (W3C CSP 3)."""
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
    """Return the page language that the browser prefers. Return English if the browser accepts no page language."""
    return request.accept_languages.best_match(list(TRANSLATIONS), "en")


def prefers_html() -> bool:
    """Return whether the client prefers HTML to JSON (RFC 9110, 12.5.1), as browsers do."""
    return request.accept_mimetypes.best_match([JSON, "text/html"]) == "text/html"


def render_rejected_login(response: Response) -> Response:
    """If the status is 401 or 429 and the client prefers HTML, replace the JSON body of the response with a page."""
    if response.status_code not in (401, 429) or not prefers_html():
        return response
    language, seconds = choose_language(), response.headers.get("Retry-After")
    return set_page(response, "login_required.html", language=language, text=TRANSLATIONS[language], seconds=seconds)

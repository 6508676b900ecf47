"""Renderer of the HTML pages, and the route of the static files. Each page has a Content-Security-Policy."""

import hashlib
import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import NotFound

from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.responses import JSON
from tax_common.vendor import UPLOT

FOLDER = Path(__file__).parent / "static"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}

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


def read_files(folder: Path) -> dict[str, bytes]:
    """Read all files in the folder and its subfolders. The keys are paths relative to the folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


FILES = read_files(FOLDER) | {f"vendor/uplot/{name}": content for name, content in read_files(UPLOT).items()}
TRANSLATIONS: dict[str, dict[str, str]] = json.loads(FILES["translations.json"])  # by language and key
EDITION = hashlib.sha256(b"".join(name.encode() + b"\0" + text for name, text in FILES.items())).hexdigest()[:12]


def build_url(name: str) -> str:
    """Return the URL of a static file. Raises KeyError if the file does not exist."""
    FILES[name]
    return f"/static/{EDITION}/{name}"


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


def build_blueprint(login_required: LoginRequired) -> Blueprint:
    """Build the blueprint of the static files."""
    routes = Blueprint("pages", __name__)

    @routes.get("/static/<edition>/<path:name>", provide_automatic_options=False)
    @login_required
    def static(edition: str, name: str) -> Response:
        if name not in FILES:
            raise NotFound
        mimetype = TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "text/plain"
        response = Response(FILES[name], mimetype=mimetype)
        response.set_etag(hashlib.sha256(FILES[name]).hexdigest()[:16])
        # Only files of the current edition can be cached. During an update, a page of one replica can request files
        # from a replica that has another edition.
        lifetime = "private, max-age=31536000, immutable" if edition == EDITION else "no-store"
        response.headers["Cache-Control"] = lifetime
        response.make_conditional(request)
        return response

    return routes

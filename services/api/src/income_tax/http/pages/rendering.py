"""What the pages share: their files, served from memory, and the headers that hold a page to them."""

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

# A page loads its own files and asks its own server, nothing else; no script or style stands in the page itself.
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
    """Every file below the folder, by its path in it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


FILES = read_files(FOLDER) | {f"vendor/uplot/{name}": content for name, content in read_files(UPLOT).items()}
TEXTS: dict[str, dict[str, str]] = json.loads(FILES["texts.json"])  # by language
EDITION = hashlib.sha256(b"".join(name.encode() + b"\0" + text for name, text in FILES.items())).hexdigest()[:12]


def address(name: str) -> str:
    """Where a file of the pages is; KeyError when there is none of that name."""
    FILES[name]
    return f"/static/{EDITION}/{name}"


def page(template: str, policy: Mapping[str, str] | None = None, **values: Any) -> Response:
    """An HTML page under the Content-Security-Policy (W3C CSP 3) of all pages, with the differences of this one."""
    return as_page(Response(), template, policy, **values)


def as_page(response: Response, template: str, policy: Mapping[str, str] | None = None, **values: Any) -> Response:
    """The answer with a page in the place of its body."""
    response.set_data(render_template(template, static=address, **values))
    response.mimetype = "text/html"
    rules = {**POLICY, **(policy or {})}
    response.headers["Content-Security-Policy"] = "; ".join(f"{name} {sources}" for name, sources in rules.items())
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def preferred_language() -> str:
    """The language of the texts that the browser prefers."""
    return request.accept_languages.best_match(list(TEXTS), "en")


def in_words(response: Response) -> Response:
    """A refused login as a page, for a browser that asked for one: people read no JSON."""
    html = request.accept_mimetypes.best_match([JSON, "text/html"]) == "text/html"
    if response.status_code not in (401, 429) or not html:
        return response
    language, seconds = preferred_language(), response.headers.get("Retry-After")
    return as_page(response, "refused.html", language=language, text=TEXTS[language], seconds=seconds)


def blueprint(login_required: LoginRequired) -> Blueprint:
    """The route of the files."""
    routes = Blueprint("pages", __name__)

    @routes.get("/static/<edition>/<path:name>", provide_automatic_options=False)
    @login_required
    def static(edition: str, name: str) -> Response:
        if name not in FILES:
            raise NotFound
        kind = TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "text/plain"
        response = Response(FILES[name], mimetype=kind)
        response.set_etag(hashlib.sha256(FILES[name]).hexdigest()[:16])
        # While replicas are being replaced, a page of one may ask another for its files.
        fresh = "private, max-age=31536000, immutable" if edition == EDITION else "no-store"
        response.headers["Cache-Control"] = fresh
        response.make_conditional(request)
        return response

    return routes

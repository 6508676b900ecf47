"""The static files of the HTML pages, and their route."""

import hashlib
import mimetypes
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from income_tax.http.auth.basic_auth import LoginRequired
from tax_common.vendor import UPLOT

FOLDER = Path(__file__).parent / "static"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}


def read_files(folder: Path) -> dict[str, bytes]:
    """Read all files in the folder and its subfolders. The keys are paths relative to the folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


READ = read_files(FOLDER) | {f"vendor/uplot/{name}": content for name, content in read_files(UPLOT).items()}
FILES = {name: content for name, content in READ.items() if not name.endswith(".gz")}
# The image of the API also contains the larger files in compressed form. The keys are the names of the original files.
COMPRESSED = {name.removesuffix(".gz"): content for name, content in READ.items() if name not in FILES}
EDITION = hashlib.sha256(b"".join(name.encode() + b"\0" + text for name, text in FILES.items())).hexdigest()[:12]


def build_url(name: str) -> str:
    """Return the URL of a static file. Raises KeyError if the file does not exist."""
    FILES[name]
    return f"/static/{EDITION}/{name}"


def build_blueprint(login_required: LoginRequired) -> Blueprint:
    """Build the blueprint of the static files."""
    routes = Blueprint("pages", __name__)

    @routes.get("/static/<edition>/<path:name>", provide_automatic_options=False)
    @login_required
    def static(edition: str, name: str) -> Response:
        if name not in FILES:
            raise NotFound
        mimetype = TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "text/plain"
        is_compressed = name in COMPRESSED and request.accept_encodings.quality("gzip") > 0
        content = COMPRESSED[name] if is_compressed else FILES[name]
        response = Response(content, mimetype=mimetype)
        response.set_etag(hashlib.sha256(content).hexdigest()[:16])
        if name in COMPRESSED:  # nginx adds the header to the files that nginx compresses
            response.vary.add("Accept-Encoding")
        if is_compressed:
            response.content_encoding = "gzip"
        # Allow caching only if the URL contains the digest of this replica's files. During an update, a page from one
        # replica can request files from a replica that has other files.
        lifetime = "private, max-age=31536000, immutable" if edition == EDITION else "no-store"
        response.headers["Cache-Control"] = lifetime
        response.make_conditional(request)
        return response

    return routes

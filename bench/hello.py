"""What the API is measured against: a Flask application, and a bare WSGI callable, that do nothing."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

app = Flask(__name__)

BODY = b'{"hello":"world"}\n'


@app.get("/")
def index() -> dict[str, str]:
    """Answer a constant."""
    return {"hello": "world"}


@app.get("/health/ready")
def ready() -> dict[str, str]:
    """For the container's health check."""
    return {"status": "up"}


def bare(_environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a constant, without a framework."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]

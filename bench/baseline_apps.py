"""Baselines of the benchmark: a Flask application and a bare WSGI callable. Both return a constant."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

app = Flask(__name__)

BODY = b'{"hello":"world"}\n'


@app.get("/")
def index() -> dict[str, str]:
    """Return a constant."""
    return {"hello": "world"}


@app.get("/health/ready")
def ready() -> dict[str, str]:
    """Return a constant to the container's health check."""
    return {"status": "up"}


def bare(_environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return a constant without using a framework."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]

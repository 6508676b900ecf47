"""Drains the request bodies that the application did not read, before the response goes out.

A server that closes a connection with unread bytes resets it, and the response may be lost: nginx then turns a 405 into
a 502.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CHUNK = 2**13  # bytes
MAX_TIME, MAX_PAUSE = 5.0, 2.0  # seconds for the whole body, and between two chunks: nginx sends it at once


class DrainBodyMiddleware:
    """Drains up to `limit` bytes of a body."""

    def __init__(self, app: "WSGIApplication", limit: int) -> None:
        self._app, self._limit = app, limit

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Return the application's response after the end of the body."""
        response = self._app(environ, start_response)
        connection = environ.get("gunicorn.socket")
        if connection is None or not (environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")):
            return response
        connection.settimeout(MAX_PAUSE)
        left, end = self._limit, time.monotonic() + MAX_TIME
        try:
            while left > 0 and time.monotonic() < end and (chunk := environ["wsgi.input"].read(CHUNK)):
                left -= len(chunk)
        except OSError:
            pass  # the body broke off or timed out: gunicorn closes the connection
        finally:
            connection.settimeout(None)
        return response

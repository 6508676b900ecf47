"""Middleware that drains an unread request body before the server sends the response.

If a server closes a connection that has unread bytes, TCP resets the connection and the response can be lost. nginx
then sends the status 502 instead of the real status, for example 405.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CHUNK = 2**13  # bytes
MAX_TIME, MAX_PAUSE = 5.0, 2.0  # maximum seconds for the whole body, and for one read


class DrainBodyMiddleware:
    """Drains up to `limit` bytes of an unread request body."""

    def __init__(self, app: "WSGIApplication", limit: int) -> None:
        self._app, self._limit = app, limit

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Call the application, drain the body, and return the response."""
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
            pass  # ignore a body that ended early or timed out, because gunicorn then closes the connection
        finally:
            connection.settimeout(None)
        return response

"""Middleware that drains an unread request body before the server sends the response.

If a server closes a connection that has unread bytes, TCP resets the connection and the response can be lost. nginx
then sends the status 502 instead of the real status, for example 405. Clients such as Python's http.client read the
response only after they have sent the whole body.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CHUNK = 2**16  # bytes
# Maximum bytes and seconds for the whole body, and maximum seconds for one read. The two times limit how long a client
# can occupy a thread.
MAX_BYTES = 2**28
MAX_TIME, MAX_PAUSE = 5.0, 2.0


class DrainBodyMiddleware:
    """Drains up to MAX_BYTES bytes of an unread request body, for up to MAX_TIME seconds."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Call the application, drain the body, and return the response."""
        response = self._app(environ, start_response)
        connection = environ.get("gunicorn.socket")
        if connection is None or not (environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")):
            return response
        connection.settimeout(MAX_PAUSE)
        connection.read_deadline = time.monotonic() + MAX_TIME
        left = MAX_BYTES
        try:
            while left > 0 and (chunk := environ["wsgi.input"].read(CHUNK)):
                left -= len(chunk)
        except OSError:
            pass  # ignore a body that ended early or timed out, because gunicorn then closes the connection
        finally:
            connection.read_deadline = None
            connection.settimeout(None)
        return response

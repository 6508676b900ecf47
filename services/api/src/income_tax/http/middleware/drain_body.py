"""Bodies that nobody asked for are read to their end before the answer goes out.

A server that closes a connection with unread bytes in it resets it, and the answer may be lost on its way: the proxy
then says 502 for what was a 405.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PIECE = 2**13
LONGEST, PAUSE = 5.0, 2.0  # seconds for all of it, and between two pieces: nginx sends it at once


class ReadBodies:
    """Reads what the application left of a request's body, up to `most` bytes."""

    def __init__(self, app: "WSGIApplication", most: int) -> None:
        self._app, self._most = app, most

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """The application's answer, once the body is read."""
        answer = self._app(environ, start_response)
        connection = environ.get("gunicorn.socket")
        if connection is None or not (environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")):
            return answer
        connection.settimeout(PAUSE)
        left, end = self._most, time.monotonic() + LONGEST
        try:
            while left > 0 and time.monotonic() < end and (piece := environ["wsgi.input"].read(PIECE)):
                left -= len(piece)
        except OSError:
            pass  # a body that breaks off or does not come: gunicorn closes the connection
        finally:
            connection.settimeout(None)
        return answer

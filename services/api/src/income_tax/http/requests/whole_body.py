"""Reader of whole request bodies, whose length the client need not declare."""

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge


def read_whole_body(request: Request) -> bytes:
    """Return the body. Raises RequestEntityTooLarge if the body is longer than MAX_CONTENT_LENGTH.

    If the client does not declare a length (RFC 9112, 7.1: chunked), werkzeug stops at the limit without an error.
    Therefore this function checks whether more bytes follow.
    """
    body = request.get_data(cache=False)
    if request.content_length is None and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return body

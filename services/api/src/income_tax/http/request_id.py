"""Request ids. A request id identifies the log lines of a request."""

import re
import secrets
from typing import cast

from flask import g

REQUEST_ID_HEADER = "X-Request-ID"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def create_request_id() -> str:
    """Return 32 random hexadecimal digits. nginx's `$request_id` has the same format."""
    return secrets.token_hex(16)


def choose_request_id(header: str) -> str:
    """Return the request id in the header, or a new id if the header does not contain a valid id."""
    return header if REQUEST_ID.fullmatch(header) else create_request_id()


def get_request_id() -> str:
    """Return the id of the current request."""
    return cast(str, g.request_id)

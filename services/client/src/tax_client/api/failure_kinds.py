"""The kinds of failed requests, derived from the cause of a missing response, and the kinds that are retried."""

import socket
from collections.abc import Iterator

import requests

from .responses import ApiError

# The kind is that of the first row that lists one of the error's causes. Messages contain the request's {url} and
# {timeout}.
KINDS: list[tuple[tuple[type[BaseException], ...], str, str]] = [
    (
        (requests.exceptions.SSLError,),
        "TLS error",
        "expected a trusted certificate at {url}: check it, or name its authority by --ca-file or TAX_CA_FILE",
    ),
    (
        (requests.Timeout, TimeoutError),
        "timeout",
        "expected an answer from {url} within {timeout:g} s: see the server's load, or raise --timeout or TAX_TIMEOUT",
    ),
    (
        (ConnectionRefusedError,),
        "connection refused",
        "expected a server at {url}, nothing listens there: start it, or check --url or TAX_URL",
    ),
    (
        (socket.gaierror,),
        "unknown host",
        "expected a known host name in {url}: check --url or TAX_URL",
    ),
    (
        (requests.ConnectionError, requests.exceptions.ChunkedEncodingError),
        "connection lost",
        "expected a complete answer from {url}, the connection broke: check the network and the server's log",
    ),
]

# A retry may succeed, because a server that is being replaced has no name for some seconds, then no open port, then no
# upstream for its proxy. Any other failure would occur again.
TRANSIENT = frozenset(
    {
        *("unknown host", "connection refused", "connection lost", "timeout"),
        *("status 429", "status 502", "status 503", "status 504"),
    }
)
UNAUTHORIZED = "status 401"  # every other request would fail with it too
TOO_LARGE = "status 413"  # a smaller request may succeed


def build_api_error(error: requests.RequestException, url: str, timeout: float) -> ApiError:
    """Build the ApiError of a request that got no response. `timeout` is in seconds."""
    chain = list(walk_causes(error))
    for exceptions, kind, message in KINDS:
        if any(isinstance(cause, exceptions) for cause in chain):
            return ApiError(kind, message.format(url=url, timeout=timeout))
    name = type(error).__name__
    return ApiError("request failed", f"expected a readable answer from {url}, got {name}: see the server's log")


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its chained errors, and the errors that requests and urllib3 pass as arguments."""
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        cause = pending.pop()
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            pending += [cause.__cause__, cause.__context__, *cause.args]

"""The kinds of failures of requests, the causes and the message of each kind, and the kinds that allow a retry."""

import socket
from collections.abc import Iterator

import requests

from .responses import ApiError

# Each row holds exception types, a kind of failure, and a message template. A row matches an error if the error or one
# of its causes has a type of the row. The first row that matches applies. {url} and {timeout} belong to the request.
KINDS: list[tuple[tuple[type[BaseException], ...], str, str]] = [
    (
        (requests.exceptions.SSLError,),
        "TLS error",
        "the certificate of {url} is not trusted: check it, or use --ca-file or TAX_CA_FILE to trust its authority",
    ),
    (
        (requests.Timeout, TimeoutError),
        "timeout",
        "expected an answer from {url} within {timeout:g} s: check the server, or raise --timeout or TAX_TIMEOUT",
    ),
    (
        (ConnectionRefusedError,),
        "connection refused",
        "no server listens at {url}: start the server, or check --url or TAX_URL",
    ),
    (
        (socket.gaierror,),
        "unknown host",
        "the host name in {url} is unknown: check --url or TAX_URL",
    ),
    (
        (requests.ConnectionError, requests.exceptions.ChunkedEncodingError),
        "connection lost",
        "the connection to {url} broke before the answer was complete: check the network and the server's log",
    ),
]

# The client retries after these failures, because the next attempt can succeed. While a server is being replaced, its
# host name is unknown for some seconds. Then its port is closed, and then its proxy has no upstream server. The client
# does not retry after other failures, because they would occur again.
TRANSIENT = frozenset(
    {
        *("unknown host", "connection refused", "connection lost", "timeout"),
        *("status 429", "status 502", "status 503", "status 504"),
    }
)
UNAUTHORIZED = "status 401"  # the credentials are wrong, so that every later request would fail too
TOO_LARGE = "status 413"  # the request is too large; a smaller request can succeed


def build_api_error(error: requests.RequestException, url: str, timeout: float) -> ApiError:
    """Build the ApiError for a request without a complete response. `timeout` is in seconds."""
    chain = list(walk_causes(error))
    for exceptions, kind, message in KINDS:
        if any(isinstance(cause, exceptions) for cause in chain):
            return ApiError(kind, message.format(url=url, timeout=timeout))
    name = type(error).__name__
    return ApiError("request failed", f"expected a readable answer from {url}, got error {name}: see the server's log")


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its direct and indirect causes.

    A cause is a chained error, or an error in `args`, because urllib3 stores causes there.
    """
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        cause = pending.pop()
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            pending += [cause.__cause__, cause.__context__, *cause.args]

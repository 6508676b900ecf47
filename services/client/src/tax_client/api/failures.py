"""Why a request came back without an answer, and what can be hoped for after a failure."""

import socket
from collections.abc import Iterator

import requests

from .responses import ApiError

# The first line whose exceptions are among the causes tells the kind; {url} and {timeout} are those of the request.
KINDS: list[tuple[tuple[type[BaseException], ...], str, str]] = [
    (
        (requests.exceptions.SSLError,),
        "TLS error",
        "expected a trusted certificate at {url}: check it, or name who vouches for it by --ca-file or TAX_CA_FILE",
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
        "expected a host that the network knows at {url}: check --url or TAX_URL",
    ),
    (
        (requests.ConnectionError, requests.exceptions.ChunkedEncodingError),
        "connection lost",
        "expected a whole answer from {url}, the connection broke before: check the network and the server's log",
    ),
]

# What may be better a moment later; everything else would come out the same again. A server that is being replaced has
# for some seconds no name, then no port, then no one behind its proxy.
PASSING = frozenset(
    {
        *("unknown host", "connection refused", "connection lost", "timeout"),
        *("status 429", "status 502", "status 503", "status 504"),
    }
)
REFUSED = "status 401"  # the login and password: no other request would fare better
TOO_LARGE = "status 413"  # fewer at once may pass


def no_answer(error: requests.RequestException, url: str, timeout: float) -> ApiError:
    """The ApiError of a request that requests gave up; `timeout` is in seconds."""
    chain = list(causes(error))
    for exceptions, kind, message in KINDS:
        if any(isinstance(cause, exceptions) for cause in chain):
            return ApiError(kind, message.format(url=url, timeout=timeout))
    name = type(error).__name__
    return ApiError("request failed", f"expected a readable answer from {url}, got {name}: see the server's log")


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and all that led to it: its chain, and the errors that requests and urllib3 carry as arguments."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        cause = todo.pop()
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            todo += [cause.__cause__, cause.__context__, *cause.args]

"""The kinds and messages of failed requests. Constants name the kinds that need special handling."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import requests

from tax_common.text_formatting import escape_controls, truncate_with_length

BODY_SHOWN = 200  # an error message quotes at most this number of characters of a response
ADVICE = {
    400: "see the limits of each field in the API's documentation",
    401: "check the login name and password in the credentials file",
    404: "check the address in --url or TAX_URL",
    413: "lower --batch to send fewer taxpayers per request",
    429: "send fewer requests at the same time: lower --max-threads (calculate) or --threads (flood)",
    500: "search the server's log for the request's id",
}
# Each row holds exception types, a kind of failure, and a message template. A row matches an error if the error or one
# of its causes has a type of the row. The first row that matches applies. {url} and {timeout} belong to the request.
KINDS: list[tuple[tuple[type[BaseException], ...], str, str]] = [
    (
        (requests.exceptions.SSLError,),
        "TLS error",
        "no trusted TLS connection to {url}: check the address and the certificate, "
        "or use --ca-file or TAX_CA_FILE to trust its authority",
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

TIMEOUT = "timeout"  # in load tests, the only kind of failure that has a latency, which is the waiting time
UNAUTHORIZED = "status 401"  # the credentials are wrong, so that every later request would fail too
TOO_LARGE = "status 413"  # the request is too large; a smaller request can succeed


class ApiError(Exception):
    """Raised if a request has no usable result. Similar failures share a `kind`. The message names the next step."""

    def __init__(self, kind: str, message: str, retry_after: float = 0) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.retry_after = retry_after  # seconds to wait before a retry, from the header Retry-After, or 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response, whose body is not parsed yet."""

    status: int
    body: bytes
    retry_after: float = 0  # seconds to wait before a retry, from the header Retry-After, or 0


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


def explain_failure(answer: Answer) -> str:
    """Return a message with advice for the status. It quotes the API's errors, or the body if the body lists none."""
    try:
        errors = orjson.loads(answer.body)["response"]["errors"]
        quote = "; ".join(str(error) for error in errors) if isinstance(errors, list) else quote_body(answer)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        quote = quote_body(answer)
    advice = ADVICE.get(answer.status, "see the server's log")
    return f"expected a result, but the server reported [{quote}]: {advice}"


def build_shape_error(wanted: str, found: str) -> ApiError:
    """Build the error for a response whose JSON does not have the expected structure."""
    return ApiError("wrong shape", f"expected {wanted}, got [{found}]: {ADVICE[404]}")


def quote_body(answer: Answer) -> str:
    """Return the beginning of a response body for a message, and escape control characters."""
    return quote_text(answer.body.decode(errors="replace"))


def quote_text(text: str) -> str:
    """Return the beginning of a server's text for a message, and escape control characters."""
    return escape_controls(truncate_with_length(text, BODY_SHOWN))

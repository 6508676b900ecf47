"""JSON error responses for requests that gunicorn rejects, and for requests that fail outside the application."""

import socket
from collections.abc import Callable
from typing import Any

import orjson
from gunicorn import util
from gunicorn.http import errors as http_errors

from income_tax.alerts.alert import Alert, Summary
from income_tax.http.request_id import REQUEST_ID_HEADER, create_request_id
from income_tax.http.responses import build_errors
from income_tax.service_log import Log, mask_amounts

from .leader_follower.leader_lock import LeaderLock
from .leader_follower.worker import LeaderFollowerWorker

LINGER_TIME, LINGER_BYTES = 2.0, 2**21  # limits for reading the rest of a rejected request, in seconds and bytes

HEADERS_MAX, HEADER_BYTES = 100, 8190  # gunicorn's limits on the headers of a request, and on the bytes of a header

BODY_ERRORS = (http_errors.ParseException,)  # gunicorn raises them when the application reads a malformed body

# A mapping from gunicorn exception to status, reason phrase and error message. All other rejections have status 400.
REJECTIONS: dict[type[Exception], tuple[int, str, str]] = {
    http_errors.LimitRequestLine: (414, "URI Too Long", "the request's address is too long: send a shorter address"),
    http_errors.LimitRequestHeaders: (
        431,
        "Request Header Fields Too Large",
        f"the headers are too large: send at most {HEADERS_MAX} headers, each of at most {HEADER_BYTES} bytes",
    ),
    http_errors.UnsupportedTransferCoding: (
        400,
        "Bad Request",
        "this transfer coding is not supported: send no Transfer-Encoding",
    ),
    http_errors.ExpectationFailed: (
        417,
        "Expectation Failed",
        "the service cannot meet this expectation: send no Expect header",
    ),
    http_errors.InvalidRequestLine: (
        400,
        "Bad Request",
        "the request line is malformed: percent-encode characters that are not ASCII, as in mari%C3%A9=oui",
    ),
}
MALFORMED = (400, "Bad Request", "the request is malformed: send a request that conforms to HTTP/1.1 (RFC 9112)")
FAILED = (
    500,
    "Internal Server Error",
    "the service failed to answer: report the request id to the operator of the service",
)


def classify_error(error: BaseException) -> tuple[int, str, str]:
    """Return status, reason phrase and error message for an exception that gunicorn caught outside the application."""
    for kind, rejection in REJECTIONS.items():
        if isinstance(error, kind):
            return rejection
    return MALFORMED if isinstance(error, http_errors.ParseException) else FAILED


def build_response(status: int, phrase: str, sentence: str, request_id: str) -> bytes:
    """Build a complete HTTP response that contains one error."""
    body = orjson.dumps({"response": build_errors([sentence], request_id)})
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{REQUEST_ID_HEADER}: {request_id}\r\nConnection: close\r\n\r\n".encode() + body


def build_alert(error: BaseException, request_id: str, mask: bool) -> Alert:
    """Build the alert for a failure outside the application. If `mask` is true, mask the numbers in the error text."""
    body = build_errors([FAILED[2]], request_id)
    details = {"error": f"{type(error).__name__}: {mask_amounts(str(error)) if mask else error}"}
    return Alert("request", Summary.SERVER_FAILED, {"response": body}, request_id, details)


def build_worker_class(
    log: Log, lock: LeaderLock, report: Callable[[BaseException, str], object], count: Callable[[int], object]
) -> type[LeaderFollowerWorker]:
    """Build a worker class that sends JSON error responses. Gunicorn's HTML error pages would echo the request.

    `lock` is the leader lock, which the application also releases. If a request fails outside the application, the
    worker calls `report` with the exception and the request id. `count` receives the status of each rejected request.
    """

    class JsonErrorWorker(LeaderFollowerWorker):
        leader_lock = lock

        def handle_error(self, _req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
            lock.release()
            status, phrase, sentence = classify_error(exc)
            request_id = create_request_id()
            remote = addr[0] if isinstance(addr, tuple) else ""
            request_log = log.bind(place="gunicorn", request_id=request_id, remote=remote, status=status)
            if status == FAILED[0]:
                request_log.error("request failed", exc_info=exc)
                report(exc, request_id)
            else:
                count(status)
                request_log.warning("request refused", reason=f"{type(exc).__name__}: {exc}")
            try:
                util.write_nonblock(client, build_response(status, phrase, sentence, request_id))
                # Read the rest of the request. Unread bytes would cause a TCP reset, which discards the response.
                util.close_graceful(client, LINGER_TIME, LINGER_BYTES)
            except OSError:
                request_log.debug("client gone")

    return JsonErrorWorker

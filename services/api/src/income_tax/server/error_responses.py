"""What never reaches the application: refused by gunicorn, or failed around it. Answered in JSON all the same."""

import socket
from collections.abc import Callable
from typing import Any

import orjson
from gunicorn import util
from gunicorn.http import errors as http_errors

from income_tax.alerts.alert import Alert
from income_tax.http.middleware.request_log import REQUEST_ID_HEADER, create_request_id
from income_tax.http.responses import build_errors
from income_tax.service_log import Log, mask_amounts

from .leader_follower.leader_lock import Lead
from .leader_follower.worker import Worker

LINGER_TIME, LINGER_BYTES = 2.0, 2**21  # how long, and how far, a refused request is still read

# What gunicorn refuses before there is a request: status, phrase, and what to do. All else of it is a 400.
REFUSALS: dict[type[Exception], tuple[int, str, str]] = {
    http_errors.LimitRequestLine: (414, "URI Too Long", "the address of the request is too long"),
    http_errors.LimitRequestHeaders: (
        431,
        "Request Header Fields Too Large",
        "the headers of the request are too long",
    ),
    http_errors.UnsupportedTransferCoding: (400, "Bad Request", "this transfer coding is not known here: send none"),
    http_errors.ExpectationFailed: (417, "Expectation Failed", "this expectation cannot be met: send no Expect header"),
    http_errors.InvalidRequestLine: (
        400,
        "Bad Request",
        "the request line is malformed: percent-encode what is not ASCII, as in mari%C3%A9=oui",
    ),
}
MALFORMED = (400, "Bad Request", "the request is malformed: it is not HTTP/1.1 as RFC 9112 has it")
FAILED = (
    500,
    "Internal Server Error",
    "the service failed to answer: tell its operator the request id",
)


def refusal(error: BaseException) -> tuple[int, str, str]:
    """Status, phrase and sentence for what stopped gunicorn before the application was called."""
    for kind, known in REFUSALS.items():
        if isinstance(error, kind):
            return known
    return MALFORMED if isinstance(error, http_errors.ParseException) else FAILED


def refusal_bytes(status: int, phrase: str, sentence: str, request_id: str) -> bytes:
    """A whole HTTP answer that lists one error."""
    body = orjson.dumps({"response": build_errors([sentence], request_id)})
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{REQUEST_ID_HEADER}: {request_id}\r\nConnection: close\r\n\r\n".encode() + body


def failure_alert(error: BaseException, request_id: str, mask: bool) -> Alert:
    """The alert for what failed outside the application; `mask` hides the numbers that the error quotes."""
    body = build_errors([FAILED[2]], request_id)
    details = {"error": f"{type(error).__name__}: {mask_amounts(str(error)) if mask else error}"}
    summary = "The tax service failed to answer a request, outside the application:"
    return Alert("request", summary, {"response": body}, request_id, details)


def worker_class(log: Log, lead: Lead, report: Callable[[BaseException, str], object]) -> type[Worker]:
    """The threaded worker, answering malformed requests in JSON (gunicorn's own answer is HTML that echoes them).

    `lead` is what the application passes on. What fails outside it is reported with the id of its answer.
    """

    class JsonThreadWorker(Worker):
        def handle_error(self, _req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
            lead.pass_on()
            status, phrase, sentence = refusal(exc)
            request_id = create_request_id()
            remote = addr[0] if isinstance(addr, tuple) else ""
            here = log.bind(place="gunicorn", request_id=request_id, remote=remote, status=status)
            if status == FAILED[0]:
                here.error("request failed", exc_info=exc)
                report(exc, request_id)
            else:
                here.warning("request refused", reason=f"{type(exc).__name__}: {exc}")
            try:
                util.write_nonblock(client, refusal_bytes(status, phrase, sentence, request_id))
                # Else the connection would be reset, and the answer lost, by what the client still sends.
                util.close_graceful(client, LINGER_TIME, LINGER_BYTES)
            except OSError:
                here.debug("client gone")

    JsonThreadWorker.lead = lead
    return JsonThreadWorker

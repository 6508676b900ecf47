"""Send generated requests to a port and check the responses."""

import contextlib
import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.support.grammar import Grammar

STALLED = 5.0  # seconds without a response before the client closes its side of the connection


def exchange(port: int, request: bytes) -> bytes:
    """Send a request and return all bytes that the server sends until it closes the connection."""
    answered = b""
    with socket.create_connection(("127.0.0.1", port), timeout=STALLED) as connection:
        with contextlib.suppress(OSError):  # the server can close before it reads the whole request
            connection.sendall(request)
        while True:
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                with contextlib.suppress(OSError):  # the server can reset the connection at this moment
                    connection.shutdown(socket.SHUT_WR)
                connection.settimeout(30)
                continue
            except ConnectionError:
                return answered
            if not piece:
                return answered
            answered += piece


def trouble(request: bytes, status: str, head: bytes, body: bytes) -> str:
    """Return a description of the first error in a response, or an empty text if the response is valid."""
    if not "200" <= status < "500":
        return f"status {status}"
    if status == "304":
        return f"a 304 with a body: {body!r}" if body else ""
    if status == "200" and b"text/csv" in request and b"\r\ncontent-type: text/csv" in head:
        return "" if body.startswith(b"income_year,") and body.endswith(b"\r\n") else f"not CSV: {body!r}"
    if b"\r\ncontent-type: application/json" not in head:
        return f"not JSON: {head!r}"
    if not request.startswith(b"HEAD") or body:
        content = json.loads(body)["response"]
        if status >= "400" and not (content["errors"] and content["request_id"]):
            return f"unclear error: {content}"
    return ""


def judge(request: bytes, answered: bytes) -> str:
    """Return the status of a valid response, "none" if there is no response, or a description of the error."""
    while answered.startswith(b"HTTP/1.1 100 "):
        answered = answered.partition(b"\r\n\r\n")[2]
    if not answered:
        return "none"
    if not answered.startswith(b"HTTP/1."):  # an HTTP/0.9 response has no headers
        return "0.9" if isinstance(json.loads(answered), dict) else f"not JSON: {answered!r}"
    head, _, body = answered.partition(b"\r\n\r\n")
    status = head.split(b" ")[1].decode()
    return trouble(request, status, head.lower(), body) or status


def attack(port: int, authorization: bytes, entropy: bytes, count: int) -> Counter[str]:
    """Generate `count` requests from the entropy, send them concurrently, and count the outcomes."""
    grammar = Grammar(entropy)
    requests = [grammar.request(authorization) for _ in range(count)]

    def one(request: bytes) -> str:
        verdict = judge(request, exchange(port, request))
        return verdict if len(verdict) <= 4 else f"{verdict} to {request[:300]!r}"

    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(one, requests))


def troubles(outcomes: Counter[str]) -> list[str]:
    """Return the outcomes that are errors."""
    return [outcome for outcome in outcomes if len(outcome) > 4]

"""Sends generated requests to a port, and says what is wrong with the answers."""

import contextlib
import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.support.grammar import Grammar

STALLED = 5.0  # seconds without an answer after which the server is told that nothing more will come


def exchange(port: int, request: bytes) -> bytes:
    """All that the server answers until it hangs up."""
    answered = b""
    with socket.create_connection(("127.0.0.1", port), timeout=STALLED) as connection:
        with contextlib.suppress(OSError):  # refused while it is being sent; the answer may be there
            connection.sendall(request)
        while True:
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                with contextlib.suppress(OSError):  # reset just now
                    connection.shutdown(socket.SHUT_WR)
                connection.settimeout(30)
                continue
            except ConnectionError:
                return answered
            if not piece:
                return answered
            answered += piece


def trouble(request: bytes, status: str, head: bytes, body: bytes) -> str:
    """What is wrong with an answer, empty when nothing is."""
    if not "200" <= status < "500":
        return f"status {status}"
    if status == "304":
        return f"a 304 with a body: {body!r}" if body else ""
    if status == "200" and b"text/csv" in request and b"\r\ncontent-type: text/csv" in head:
        return "" if body.startswith(b"income_year,") and body.endswith(b"\r\n") else f"no CSV: {body!r}"
    if b"\r\ncontent-type: application/json" not in head:
        return f"no JSON: {head!r}"
    if not request.startswith(b"HEAD") or body:
        content = json.loads(body)["response"]
        if status >= "400" and not (content["errors"] and content["request_id"]):
            return f"unclear error: {content}"
    return ""


def judge(request: bytes, answered: bytes) -> str:
    """The status of the answer, "none" when there is none; what is wrong with it, in a sentence."""
    while answered.startswith(b"HTTP/1.1 100 "):
        answered = answered.partition(b"\r\n\r\n")[2]
    if not answered:
        return "none"
    if not answered.startswith(b"HTTP/1."):  # to HTTP/0.9, which knows no headers
        return "0.9" if isinstance(json.loads(answered), dict) else f"no JSON: {answered!r}"
    head, _, body = answered.partition(b"\r\n\r\n")
    status = head.split(b" ")[1].decode()
    return trouble(request, status, head.lower(), body) or status


def attack(port: int, authorization: bytes, entropy: bytes, count: int) -> Counter[str]:
    """Send that many requests made from the entropy, many at a time; how often which outcome was seen."""
    grammar = Grammar(entropy)
    requests = [grammar.request(authorization) for _ in range(count)]

    def one(request: bytes) -> str:
        verdict = judge(request, exchange(port, request))
        return verdict if len(verdict) <= 4 else f"{verdict} to {request[:300]!r}"

    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(one, requests))


def troubles(outcomes: Counter[str]) -> list[str]:
    """The outcomes that must not be."""
    return [outcome for outcome in outcomes if len(outcome) > 4]

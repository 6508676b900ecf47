"""Bodies over the limit and unwanted bodies, sent to gunicorn without nginx."""

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from tests.support.service import Service, running_service

LIMIT = 10 << 10  # bytes, with BATCH_MAX=10
JSON, CSV = "application/json", "text/csv"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a running service that accepts ten households and 10 KiB per body."""
    with running_service(tmp_path_factory.mktemp("small"), BATCH_MAX="10") as running:
        yield running


def build_body(kind: str, length: int) -> bytes:
    """Build a body with one household. Its last byte is part of the salary or the end of the JSON array."""
    if kind == CSV:
        return b"married,children,salary\nno,0," + b"90000".rjust(length - 29)
    return json.dumps([{"married": "no", "children": 0, "salary": 90_000}]).encode().rjust(length)


def post(service: Service, body: bytes | Iterator[bytes], **headers: str) -> tuple[HTTPResponse, bytes]:
    """Post a body as http.client does, which reads the answer only after it has sent everything."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    login = {"Authorization": service.authorization}
    with contextlib.closing(connection):
        sent = login | {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", "/", body, sent, encode_chunked=not isinstance(body, bytes))
        response = connection.getresponse()
        return response, response.read()


@pytest.mark.parametrize("kind", [CSV, JSON])
@pytest.mark.parametrize("piece", [1 << 20, 1000], ids=["one chunk", "many chunks"])
@pytest.mark.parametrize(("excess", "status"), [(0, 200), (1, 413), (5, 413), (LIMIT, 413), (1 << 20, 413)])
def test_a_chunked_body_has_the_limit_of_a_declared_one(
    small: Service, kind: str, piece: int, excess: int, status: int
) -> None:
    """A body of unknown length over the limit is rejected like one with a Content-Length, and never truncated."""
    body = build_body(kind, LIMIT + excess)
    pieces = (body[start : start + piece] for start in range(0, len(body), piece))
    chunked, content = post(small, pieces, Content_Type=kind, Transfer_Encoding="chunked")
    declared, expected = post(small, body, Content_Type=kind)
    assert (status, status) == (chunked.status, declared.status)
    answers = [json.loads(text)["response"] for text in (content, expected)]
    for answer in answers:
        answer.pop("request_id", None)
    assert answers[0] == answers[1]
    assert b"90000" in content or b"longer than 10240 bytes" in content


@pytest.mark.parametrize("credentials", ["client:secret", "client:wrong"])
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_a_client_that_sends_everything_reads_the_rejection(small: Service, credentials: str, chunked: bool) -> None:
    """The service drains a rejected body of 70 MB, so that a client that first sends the whole body gets the answer."""
    login = "Basic " + base64.b64encode(credentials.encode()).decode()
    piece = b"x" * 1_000_000
    body = (piece for _ in range(70)) if chunked else piece * 70
    response, content = post(
        small, body, Authorization=login, Content_Type=CSV, **({"Transfer_Encoding": "chunked"} if chunked else {})
    )
    assert (413 if credentials == "client:secret" else 401) == response.status
    assert json.loads(content)["response"]["errors"]


def test_a_rejected_body_may_be_announced(small: Service) -> None:
    """A client that sends `Expect: 100-continue` gets the interim response (RFC 9110, 10.1.1) and the rejection."""
    body = build_body(CSV, LIMIT + 1)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {small.authorization}\r\nContent-Type: {CSV}\r\n"
    head += f"Expect: 100-continue\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", small.port), timeout=60) as connection:
        connection.sendall(head.encode())
        file = connection.makefile("rb")
        assert file.readline().startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert b"HTTP/1.1 413 " in file.read()


@pytest.mark.parametrize("coding", ["Content-Length: 100000000", "Transfer-Encoding: chunked"])
def test_a_slow_body_does_not_occupy_a_thread(small: Service, coding: str) -> None:
    """A rejected client that sends single bytes without end is answered nevertheless."""
    with socket.create_connection(("127.0.0.1", small.port), timeout=60) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{coding}\r\n\r\n".encode())
        answered = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not answered.wait(0.2):
                    connection.sendall(b"1\r\nx\r\n" if "chunked" in coding else b"x")

        sender = threading.Thread(target=drip)
        sender.start()
        try:
            assert connection.recv(100).startswith(b"HTTP/1.1 401 ")
        finally:
            answered.set()
            sender.join()


def test_a_connection_survives_a_rejected_body(small: Service) -> None:
    """A connection can be used again after its rejected body was drained."""
    with contextlib.closing(HTTPConnection("127.0.0.1", small.port, timeout=60)) as connection:
        for _ in range(2):
            connection.request("POST", "/", b"x" * 1_000_000, {"Authorization": small.authorization})
            response = connection.getresponse()
            response.read()
            assert (413, False) == (response.status, response.will_close)

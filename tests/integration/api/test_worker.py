"""The worker: connections shared fairly, kept alive, and ended in order."""

import base64
import signal
import socket
from collections import Counter
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.support.service import Service, running_service
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"
BURSTS = 40  # without fair shares one worker alone took one to six of these


def request_bytes(service: Service) -> bytes:
    login = base64.b64encode(service.credentials.encode()).decode()
    return f"GET {TARGET} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n\r\n".encode()


def status_of(connection: socket.socket) -> tuple[int, str | None]:
    """The status of the answer that comes, and what it says of the connection."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status, answer.getheader("Connection")


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=30)


def bursts_to_one_worker(service: Service, size: int) -> int:
    """How many of the bursts of so many connections one worker has served alone."""
    alone = 0
    for _ in range(BURSTS):
        before = len(service.log())
        with ExitStack() as opened:
            connections = [opened.enter_context(connect(service)) for _ in range(size)]
            for _ in range(2):
                for connection in connections:
                    connection.sendall(request_bytes(service))
                assert {(200, "keep-alive")} == {status_of(connection) for connection in connections}
        served = Counter(record["pid"] for record in service.log()[before:] if record["event"] == "answer")
        assert 2 * size == served.total()
        alone += len(served) == 1
    return alone


@pytest.mark.parametrize(("size", "most"), [(32, 1), (8, 8)])
def test_connections_of_bursts_are_shared(tmp_path: Path, size: int, most: int) -> None:
    """Of connections opened at once each of two workers gets its part, but for bursts that met a busy machine."""
    with running_service(tmp_path, WORKERS="2", THREADS="8") as service:
        service.get(TARGET)
        wait_until(lambda: len(list((tmp_path / "state/workers").glob("*.json"))) == 2)
        assert any(bursts_to_one_worker(service, size) <= most for _ in range(3)), "not even in a quieter moment"


def test_more_connections_than_threads(tmp_path: Path) -> None:
    """A worker with two threads answers 200 connections that ask at once, and keeps all of them."""
    with running_service(tmp_path, WORKERS="1", THREADS="2") as service, ExitStack() as opened:
        connections = [opened.enter_context(connect(service)) for _ in range(200)]
        for _ in range(2):
            for connection in connections:
                connection.sendall(request_bytes(service))
            assert {(200, "keep-alive")} == {status_of(connection) for connection in connections}


def test_requests_in_one_piece(tmp_path: Path) -> None:
    """Requests that come in one piece are answered in turn."""
    with running_service(tmp_path, WORKERS="1") as service, connect(service) as connection:
        connection.sendall(request_bytes(service) * 20)
        received = b""
        while received.count(b"HTTP/1.1 200") < 20 or not received.endswith(b"}"):
            piece = connection.recv(65536)
            assert piece, "it has hung up"
            received += piece
        assert 20 == received.count(b'"result"')


def test_stop_with_kept_connections(tmp_path: Path) -> None:
    """A service that is told to stop ends kept-alive connections; a request that comes just then is answered."""
    with running_service(tmp_path, WORKERS="1") as service, ExitStack() as opened:
        connections = [opened.enter_context(connect(service)) for _ in range(10)]
        for connection in connections:
            connection.sendall(request_bytes(service))
        assert {(200, "keep-alive")} == {status_of(connection) for connection in connections}
        service.process.send_signal(signal.SIGTERM)
        while True:  # until the worker has heard of it, which keeps connections for two seconds more
            connections[0].sendall(request_bytes(service))
            status, connection_is = status_of(connections[0])
            assert 200 == status
            if connection_is == "close":
                break
        assert [b""] * 9 == [connection.recv(1) for connection in connections[1:]]
        assert 0 == service.process.wait(timeout=30)


def test_numpy_is_imported_at_the_first_batch(tmp_path: Path) -> None:
    """A worker that answers single households does not have numpy in its memory; one that has answered many does."""
    with running_service(tmp_path, WORKERS="1") as service:
        assert 200 == service.get(TARGET).status
        (pid,) = {record["pid"] for record in service.log() if record["event"] == "answer"}
        maps = Path(f"/proc/{pid}/maps")
        assert "_multiarray_umath" not in maps.read_text()
        households = '[{"year": 2024, "married": "yes", "children": 2, "salary": 50000}]'
        assert 200 == service.post(households, "application/json").status
        assert "_multiarray_umath" in maps.read_text()  # its compiled heart


def test_a_client_that_dawdles_keeps_nobody_waiting(tmp_path: Path) -> None:
    """With one worker of two threads, others are answered while a request comes in pieces, or is never read."""
    with running_service(tmp_path, WORKERS="1", THREADS="2") as service, ExitStack() as opened:
        half, deaf = opened.enter_context(connect(service)), opened.enter_context(connect(service))
        request = request_bytes(service)
        service.get(TARGET)
        half.sendall(request[:40])
        assert [200] * 20 == [service.get(TARGET).status for _ in range(20)]
        deaf.setblocking(False)
        with suppress(BlockingIOError):  # until neither side's buffers take any more
            while True:
                deaf.send(request * 100)
        half.sendall(request[40:])
        assert (200, "keep-alive") == status_of(half)


def test_short_requests_do_not_wait_for_long_ones(tmp_path: Path) -> None:
    """While a batch is being calculated, a remembered login's request is answered by another thread."""
    with running_service(tmp_path, WORKERS="1", THREADS="2") as service, ExitStack() as opened:
        service.get(TARGET)
        slow, quick = opened.enter_context(connect(service)), opened.enter_context(connect(service))
        body = b"x" * 100
        head = request_bytes(service).replace(f"GET {TARGET}".encode(), b"POST /").removesuffix(b"\r\n")
        slow.sendall(head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
        wait_until(lambda: any(r["event"] == "request" and r["method"] == "POST" for r in service.log()))
        quick.sendall(request_bytes(service))
        assert (200, "keep-alive") == status_of(quick)
        slow.sendall(body)
        assert 400 == status_of(slow)[0]

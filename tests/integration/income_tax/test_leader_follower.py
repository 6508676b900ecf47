"""Tests of the workers' connections: distribution among workers, keep-alive, pipelining and stops."""

import base64
import signal
import socket
from collections import Counter
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from pathlib import Path

from tests.support.service import Service, begun_with, running_service
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"
CONNECTIONS = 32


def request_bytes(service: Service) -> bytes:
    login = base64.b64encode(service.credentials.encode()).decode()
    return f"GET {TARGET} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n\r\n".encode()


def status_of(connection: socket.socket) -> tuple[int, str | None]:
    """Return the status and the `Connection` header of the next response."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status, answer.getheader("Connection")


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=60)


def serve_burst(service: Service, size: int) -> set[int]:
    """Send two requests on each of `size` connections, and return the ids of the processes that answered."""
    before = len(service.log())
    with ExitStack() as opened:
        connections = [opened.enter_context(connect(service)) for _ in range(size)]
        for _ in range(2):
            for connection in connections:
                connection.sendall(request_bytes(service))
            assert {(200, "keep-alive")} == {status_of(connection) for connection in connections}
    served = Counter(record["pid"] for record in service.log()[before:] if record["event"] == "answer")
    assert 2 * size == served.total()
    return {*served}


def test_both_workers_answer_bursts(tmp_path: Path) -> None:
    """If many connections arrive simultaneously, both workers answer requests."""
    with running_service(tmp_path, WORKERS="2", THREADS="8") as service:
        service.get(TARGET)
        wait_until(lambda: len(list((tmp_path / "state/workers").glob("*.json"))) == 2)
        wait_until(lambda: len(serve_burst(service, CONNECTIONS)) == 2)


def test_more_connections_than_threads(tmp_path: Path) -> None:
    """A worker with two threads answers requests on 200 simultaneous connections, and keeps the connections open."""
    with running_service(tmp_path, WORKERS="1", THREADS="2") as service, ExitStack() as opened:
        connections = [opened.enter_context(connect(service)) for _ in range(200)]
        for _ in range(2):
            for connection in connections:
                connection.sendall(request_bytes(service))
            assert {(200, "keep-alive")} == {status_of(connection) for connection in connections}


def test_pipelined_requests(tmp_path: Path) -> None:
    """The worker answers all pipelined requests of a connection."""
    with running_service(tmp_path, WORKERS="1") as service, connect(service) as connection:
        connection.sendall(request_bytes(service) * 20)
        received = b""
        while received.count(b"HTTP/1.1 200") < 20 or not received.endswith(b"}"):
            piece = connection.recv(65536)
            assert piece, "the service closed the connection too early"
            received += piece
        assert 20 == received.count(b'"result"')


LINGERING = "from gunicorn.workers import gthread\ngthread.STOP_KEEPALIVE_LINGER = 25  # instead of 2 seconds\n"


def test_requests_during_a_stop_are_answered(tmp_path: Path) -> None:
    """A stopping service answers requests on open connections with `Connection: close`.

    The test extends gunicorn's linger time, because a slow test machine could otherwise exceed the linger time.
    """
    (tmp_path / "python").mkdir()
    path = begun_with(tmp_path / "python", LINGERING)
    with running_service(tmp_path, WORKERS="1", PYTHONPATH=path) as service, ExitStack() as opened:
        connections = [opened.enter_context(connect(service)) for _ in range(10)]
        for connection in connections:
            connection.sendall(request_bytes(service))
        assert {(200, "keep-alive")} == {status_of(connection) for connection in connections}
        service.process.send_signal(signal.SIGTERM)
        for connection in connections:
            ends = None
            while ends != "close":  # repeats the request until the worker has received the signal
                connection.sendall(request_bytes(service))
                status, ends = status_of(connection)
                assert 200 == status
        assert [b""] * 10 == [connection.recv(1) for connection in connections]
        assert 0 == service.process.wait(timeout=60)


def test_a_stop_closes_idle_connections(tmp_path: Path) -> None:
    """A stopping service closes idle connections and exits."""
    with running_service(tmp_path, WORKERS="1") as service, ExitStack() as opened:
        connections = [opened.enter_context(connect(service)) for _ in range(3)]
        for connection in connections:
            connection.sendall(request_bytes(service))
        assert {(200, "keep-alive")} == {status_of(connection) for connection in connections}
        service.process.send_signal(signal.SIGTERM)
        assert [b""] * 3 == [connection.recv(1) for connection in connections]
        assert 0 == service.process.wait(timeout=60)


def test_numpy_is_imported_for_the_first_batch(tmp_path: Path) -> None:
    """A worker imports numpy for its first batch, but not for a single household."""
    with running_service(tmp_path, WORKERS="1") as service:
        assert 200 == service.get(TARGET).status
        (pid,) = {record["pid"] for record in service.log() if record["event"] == "answer"}
        maps = Path(f"/proc/{pid}/maps")
        assert "_multiarray_umath" not in maps.read_text()
        households = '[{"year": 2024, "married": "yes", "children": 2, "salary": 50000}]'
        assert 200 == service.post(households, "application/json").status
        assert "_multiarray_umath" in maps.read_text()  # the name of numpy's C extension


def test_slow_clients_do_not_delay_other_clients(tmp_path: Path) -> None:
    """A client that sends slowly and a client that reads no response do not delay other clients of the same worker."""
    with running_service(tmp_path, WORKERS="1", THREADS="2") as service, ExitStack() as opened:
        half, deaf = opened.enter_context(connect(service)), opened.enter_context(connect(service))
        request = request_bytes(service)
        service.get(TARGET)
        half.sendall(request[:40])
        assert [200] * 20 == [service.get(TARGET).status for _ in range(20)]
        deaf.setblocking(False)
        with suppress(BlockingIOError):  # raised when the send buffer is full
            while True:
                deaf.send(request * 100)
        half.sendall(request[40:])
        assert (200, "keep-alive") == status_of(half)


def test_short_requests_do_not_wait_for_long_ones(tmp_path: Path) -> None:
    """While one thread waits for the body of a batch, another thread answers a request whose credentials are cached."""
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

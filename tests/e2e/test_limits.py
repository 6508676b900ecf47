"""Tests of lowered nginx limits, and of the thread limit of the API."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from socket import create_connection

import pytest

from tests.support.profiles import PROFILES
from tests.support.service import Answer
from tests.support.stack import Stack
from tests.support.waiting import wait_until

LIVE = "/health/live"
limits = pytest.mark.profile("limits")
HOST = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def assert_refused(answer: Answer, status: int, sentence: str) -> None:
    assert (status, "nginx") == (answer.status, answer.headers["server"])
    assert "application/json" == answer.headers["content-type"]
    assert sentence in answer.errors[0]
    assert answer.request_id == answer.body["response"]["request_id"]


@limits
@pytest.mark.parametrize(
    ("request_bytes", "status", "sentence"),
    [
        (b"GET /?x=" + b"9" * 3000 + HOST + b"\r\n", 414, "under 2000 bytes"),
        (b"GET /" + HOST + b"X: " + b"x" * 3000 + b"\r\n\r\n", 431, "under 2000 bytes"),
        (b"GET /" + HOST + b"X: x\r\n" * 30 + b"\r\n", 431, "at most 20"),
        (b"GET /" + HOST + (b"X: " + b"x" * 1500 + b"\r\n") * 6 + b"\r\n", 431, "together under twice this length"),
        (b"POST /" + HOST + b"Content-Length: 4000000\r\n\r\n", 413, "at most 3m"),
    ],
    ids=["request line", "header", "headers", "headers together", "body"],
)
def test_size_limits_are_enforced(stack: Stack, request_bytes: bytes, status: int, sentence: str) -> None:
    """If the request line, the headers or the body exceed a limit, nginx returns an error that contains the limit."""
    assert_refused(stack.raw(request_bytes), status, sentence)


@limits
@pytest.mark.parametrize("lengths", [[1900, 1900], [1200] * 3, [300] * 12])
def test_headers_below_the_limits_are_accepted(stack: Stack, lengths: list[int]) -> None:
    """Nginx accepts headers whose number, lengths and sum are below the limits that its error names."""
    headers = b"".join(b"X: ".ljust(length, b"x") + b"\r\n" for length in lengths)
    assert 200 == stack.raw(b"GET /health/live" + HOST + headers + b"\r\n").status


@limits
def test_slow_clients_are_disconnected(stack: Stack) -> None:
    """If a client stops sending its headers or body, nginx disconnects the client after CLIENT_TIMEOUT."""
    in_headers, in_body = b"GET / HTTP/1.1\r\nHost", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"
    for begun in (in_headers, in_body):
        # Expect less than the default of 10 s. Repeat the request, because a stall of the test machine can add time.
        wait_until(lambda begun=begun: seconds_until_cut_off(stack, begun) < 10)


def seconds_until_cut_off(stack: Stack, begun: bytes) -> float:
    """Send the beginning of a request, wait until nginx closes the connection, and return the logged duration."""
    agent = f"slow-{secrets.token_hex(4)}"
    with create_connection(("127.0.0.1", stack.http_port), timeout=60) as slow:
        slow.sendall(begun.replace(b"Host", f"User-Agent: {agent}\r\nHost".encode()))
        with suppress(ConnectionResetError):
            assert b"" == slow.recv(1)
    (record,) = wait_until(lambda: stack.records("nginx/access.log", holding=agent))
    assert 408 == record["status"]
    return float(record["duration"])


@limits
def test_connection_limit(stack: Stack) -> None:
    """Nginx rejects the fifth concurrent request from one address with a JSON 429 and Retry-After."""
    with ExitStack() as held:

        def fifth() -> Answer | None:
            held.close()
            for _ in range(4):
                one = held.enter_context(create_connection(("127.0.0.1", stack.http_port), timeout=30))
                one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1")
            answer = stack.get(LIVE)
            return answer if answer.status == 429 else None

        answer = wait_until(fifth)
    assert_refused(answer, 429, "Too many requests")
    assert "1" == answer.headers["retry-after"]
    wait_until(lambda: stack.get(LIVE).status == 200)


@pytest.fixture
def fresh_nginx(stack: Stack) -> Iterator[Stack]:
    """Restart nginx before and after a test, so that nginx forgets its request counts."""
    restart_nginx(stack)
    yield stack
    restart_nginx(stack)


def restart_nginx(stack: Stack) -> None:
    """Restart nginx to reset the request counts, and wait until nginx reaches the API."""
    stack.compose("restart", "nginx")
    ask_itself = ("nginx", "curl", "-fsS", "http://127.0.0.1:8081/health/live")
    wait_until(lambda: stack.execute(*ask_itself).returncode == 0)


@pytest.mark.profile("small")
def test_rate_limit(fresh_nginx: Stack) -> None:
    """Nginx rejects requests beyond the burst with a JSON 429 and Retry-After. The health check of nginx succeeds."""
    stack, allowed = fresh_nginx, 1 + int(PROFILES["small"]["RATE_BURST"])
    answers = [stack.get(LIVE) for _ in range(allowed + 9)]
    up = stack.output("nginx", "curl", "-fsS", "http://127.0.0.1:8081/nginx-health")
    assert [200] * allowed == [answer.status for answer in answers[:allowed]], (
        "nginx must accept the burst and one more request"
    )
    refused = next(answer for answer in answers if answer.status == 429)
    assert_refused(refused, 429, "Too many requests")
    assert "1" == refused.headers["retry-after"]
    assert "up" in up


def test_too_many_threads_are_rejected(stack: Stack) -> None:
    """If the API needs more threads than its container allows, it prints the settings to change and exits with 64."""
    finished = stack.run("docker", "compose", "run", "--rm", "--no-deps", "-T", "--env", "THREADS=500", "api")
    assert 64 == finished.returncode, finished.stderr
    assert "2 workers of 500 threads need" in finished.stderr
    assert "API_PIDS" in finished.stderr

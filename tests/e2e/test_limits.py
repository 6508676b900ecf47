"""Limits, lowered until a test can reach them: those of nginx, and that of threads."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from socket import create_connection

import pytest

from tests.support.service import Answer
from tests.support.stack import Stack
from tests.support.waiting import wait_until

LIVE = "/health/live"
HOST = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def strict(stack: Stack) -> Iterator[Stack]:
    """The stack with limits that a test can reach, but that of the rate, which all tests share."""
    limits = {
        "CONNECTION_LIMIT": "3",
        "MAX_BODY": "1k",
        "MAX_HEADER": "2000",
        "MAX_HEADERS": "20",
        "CLIENT_TIMEOUT": "2s",
    }
    with stack.changed(**limits):
        yield stack


def assert_refused(answer: Answer, status: int, sentence: str) -> None:
    assert (status, "nginx") == (answer.status, answer.headers["server"])
    assert "application/json" == answer.headers["content-type"]
    assert sentence in answer.errors[0]
    assert answer.request_id == answer.body["response"]["request_id"]


@pytest.mark.parametrize(
    ("request_bytes", "status", "sentence"),
    [
        (b"GET /?x=" + b"9" * 3000 + HOST + b"\r\n", 414, "under 2000 bytes"),
        (b"GET /" + HOST + b"X: " + b"x" * 3000 + b"\r\n\r\n", 431, "under 2000 bytes"),
        (b"GET /" + HOST + b"X: x\r\n" * 30 + b"\r\n", 431, "at most 20"),
        (b"POST /" + HOST + b"Content-Length: 2000\r\n\r\n", 413, "at most 1k"),
    ],
    ids=["request line", "header", "headers", "body"],
)
def test_size_limits_are_settings(strict: Stack, request_bytes: bytes, status: int, sentence: str) -> None:
    """Lowered limits on request line, headers and body count, and the answer names them."""
    assert_refused(strict.raw(request_bytes), status, sentence)


def test_slow_clients_are_cut_off(strict: Stack) -> None:
    """A client that stops within its headers or its body is hung up on after CLIENT_TIMEOUT."""
    in_headers, in_body = b"GET / HTTP/1.1\r\nHost", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"
    for begun in (in_headers, in_body):
        agent = f"slow-{secrets.token_hex(4)}"
        with create_connection(("127.0.0.1", strict.http_port), timeout=30) as slow:
            slow.sendall(begun.replace(b"Host", f"User-Agent: {agent}\r\nHost".encode()))
            with suppress(ConnectionResetError):
                assert b"" == slow.recv(1)
        (record,) = wait_until(
            lambda agent=agent: [r for r in strict.records("nginx/access.log") if r["user_agent"] == agent]
        )
        assert 408 == record["status"]
        assert record["duration"] < 10, "the default is 10 s"


def test_connection_limit(strict: Stack) -> None:
    """Of one address three requests are served at a time, the fourth is a 429 in JSON with Retry-After."""
    with ExitStack() as held:

        def fourth() -> Answer | None:
            held.close()
            for _ in range(3):
                one = held.enter_context(create_connection(("127.0.0.1", strict.http_port), timeout=30))
                one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1")
            answer = strict.get(LIVE)
            return answer if answer.status == 429 else None

        answer = wait_until(fourth)
    assert_refused(answer, 429, "Too many requests")
    assert "1" == answer.headers["retry-after"]
    wait_until(lambda: strict.get(LIVE).status == 200)


def test_rate_limit(stack: Stack) -> None:
    """After its burst an address gets 429s in JSON with Retry-After, and the container's health check goes on."""
    with stack.changed(RATE_LIMIT="1r/m", RATE_BURST="20"):
        answers = [stack.get(LIVE) for _ in range(30)]
        up = stack.compose("exec", "-T", "nginx", "curl", "-fsS", "http://127.0.0.1:8081/nginx-health")
    assert [200] * 21 == [answer.status for answer in answers[:21]], "the burst, and one that the rate allows"
    assert 8 <= sum(answer.status == 429 for answer in answers[21:]), "a minute allows one more"
    refused = next(answer for answer in answers if answer.status == 429)
    assert_refused(refused, 429, "Too many requests")
    assert "1" == refused.headers["retry-after"]
    assert "up" in up


def test_more_threads_than_a_container_may_have(stack: Stack) -> None:
    """A start that asks for more threads than its container may have ends with 64 and names the settings."""
    finished = stack.run("docker", "compose", "run", "--rm", "--no-deps", "-T", "--env", "THREADS=500", "api")
    assert 64 == finished.returncode, finished.stderr
    assert "2 workers of 500 threads need" in finished.stderr
    assert "API_PIDS" in finished.stderr

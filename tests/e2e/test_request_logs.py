"""Tests of the lines about requests in the logs of nginx and the API: trace ids, and the sample of LOG_SAMPLE."""

import secrets

import pytest

from tests.support.service import Answer
from tests.support.stack import Stack
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"


def list_places(stack: Stack, request_id: str) -> list[str]:
    """Return the events of a request in the API's log, and the status of the request in the log of nginx."""
    events = [record["event"] for record in stack.records("api/api.log", holding=request_id)]
    return events + [str(record["status"]) for record in stack.records("nginx/access.log", holding=request_id)]


def test_a_valid_trace_id_is_in_both_logs(stack: Stack) -> None:
    """Nginx and the API log the trace id of a valid traceparent, and ignore an invalid or a repeated traceparent."""
    trace = secrets.token_hex(16)
    headers = [f"00-{trace}-{'1' * 16}-01", f"cc-{trace}-{'1' * 16}-00-more", f"00-{trace}-{'0' * 16}-01"]
    headers.append(f"{headers[0]}\r\nTraceparent: {headers[0]}")
    ids = [f"trace-{secrets.token_hex(8)}" for _ in headers]
    for request_id, header in zip(ids, headers, strict=True):
        head = f"GET /health/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-ID: {request_id}\r\n"
        assert 404 == stack.raw(f"{head}Traceparent: {header}\r\n\r\n".encode()).status
    found = []
    for request_id in ids:
        (nginx,) = wait_until(lambda one=request_id: stack.records("nginx/access.log", holding=one))
        api = stack.records("api/api.log", holding=request_id)
        found.append([nginx["trace_id"], *(record.get("trace_id", "") for record in api)])
    assert [[trace] * 3, [trace] * 3, [""] * 3, [""] * 3] == found


@pytest.mark.profile("limits")
def test_only_failed_requests_are_logged(stack: Stack) -> None:
    """With LOG_SAMPLE=0, the logs of nginx and the API contain all lines of the failed requests, and no other lines."""
    login = stack.credentials
    good = [stack.get(target, login) for target in (TARGET, TARGET, "/schedules", "/health/live")]
    bad = [stack.get("/?salary=x", login), stack.get(TARGET, "nobody:x"), stack.get("/nowhere", login)]
    rejected = stack.raw(
        f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {1 << 40}\r\n\r\n".encode()
    )
    assert ([200] * 4, [400, 401, 404], 413) == (list_statuses(good), list_statuses(bad), rejected.status)
    assert not any("x-access-log" in answer.headers for answer in good)
    for answer in (*bad, rejected):
        events = [] if answer is rejected else ["request", "answer"]
        expected = [*events, str(answer.status)]
        wait_until(lambda answer=answer, expected=expected: list_places(stack, answer.request_id) == expected)
    assert [[]] * 4 == [list_places(stack, answer.request_id) for answer in good]
    # `make up` finds its own requests to the port of the health checks in the log of nginx.
    own = f"own-{secrets.token_hex(8)}"
    command = ("curl", "-fsS", "--noproxy", "*", "-H", f"X-Request-ID: {own}", "http://127.0.0.1:8081/health/live")
    assert 0 == stack.run("docker", "compose", "exec", "-T", "nginx", *command).returncode
    wait_until(lambda: list_places(stack, own) == ["200"])


def list_statuses(answers: list[Answer]) -> list[int]:
    return [answer.status for answer in answers]

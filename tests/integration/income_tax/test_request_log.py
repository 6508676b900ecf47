"""The lines of the service's log about a request and its answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import TEXT_LINE, Service, running_service

TARGET = "/?married=yes&children=3&salary=200000"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the service, and yield it."""
    with running_service(tmp_path_factory.mktemp("request_log"), WORKERS="1") as running:
        yield running


def find_records(service: Service, request_id: str) -> list[dict[str, Any]]:
    """Return the log records of a request."""
    return [record for record in service.log() if record.get("request_id") == request_id]


@pytest.mark.parametrize("target", [TARGET, "/schedules", "/?salary=x"])
def test_an_answer_has_login_and_duration(service: Service, target: str) -> None:
    """The event `answer` contains the login name of the user, and the seconds since the arrival of the request."""
    for _ in range(2):  # Flask answers the first request, and the fast path answers the second request to `/`
        _, answer = find_records(service, service.get(target).request_id)
        assert ("answer", "client") == (answer["event"], answer["login"])
        assert 0 < answer["duration"] < 60


@pytest.mark.parametrize(("target", "credentials"), [(TARGET, "client:wrong"), (TARGET, None), ("/health/x", None)])
def test_an_answer_without_a_valid_login_has_no_login(service: Service, target: str, credentials: str | None) -> None:
    """If the login is missing or wrong, the event `answer` contains a duration and no login name."""
    _, answer = find_records(service, service.get(target, credentials).request_id)
    assert "login" not in answer
    assert answer["duration"] > 0


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_all_lines_of_a_failed_request_have_the_trace_id(tmp_path: Path) -> None:
    """The lines about the arrival, the failure and the answer of a request contain the trace id of its traceparent."""
    with running_service(tmp_path, WORKERS="1", DRILL_ROUTE="on") as service:
        answer = service.get("/drill", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
        records = find_records(service, answer.request_id)
    assert 500 == answer.status
    assert [(event, TRACE) for event in ("request", "request failed", "answer")] == [
        (record["event"], record["trace_id"]) for record in records
    ]


def test_a_text_line_ends_with_login_and_duration(tmp_path: Path) -> None:
    """In the text log with masked amounts, the login name, the duration and the trace id follow the body."""
    with running_service(tmp_path, WORKERS="1", LOG_FORMAT="text", MASK_AMOUNTS="on") as service:
        for request_id in ("first-request", "second-request"):
            service.get(TARGET, X_Request_ID=request_id, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
        answers = [line for line in service.log_lines() if ": [index] answer: 200 {" in line]
    assert 2 == len(answers)
    for line, request_id in zip(answers, ("first-request", "second-request"), strict=True):
        assert TEXT_LINE.match(line)
        message, _, rest = line.rpartition("} login=client duration=")
        duration, *ids = rest.split(" ")
        assert [f"trace_id={TRACE}", f"({request_id})"] == ids
        assert (True, True) == (float(duration) > 0, '"tax":*' in message)


@pytest.fixture(scope="module")
def unsampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the service with LOG_SAMPLE=0, and yield it."""
    folder = tmp_path_factory.mktemp("unsampled")
    with running_service(folder, WORKERS="1", LOG_SAMPLE="0", DRILL_ROUTE="on") as running:
        yield running


@pytest.mark.parametrize("target", [TARGET, "/schedules", "/health/live"])
def test_successful_requests_outside_the_sample_are_not_logged(unsampled: Service, target: str) -> None:
    """With LOG_SAMPLE=0, a successful request has no line, and its response tells nginx to omit it."""
    for _ in range(2):
        answer = unsampled.get(target)
        assert (200, "off") == (answer.status, answer.headers["x-access-log"])
        assert [] == find_records(unsampled, answer.request_id)


@pytest.mark.parametrize(
    ("target", "status", "events"),
    [
        ("/?salary=x", 400, ["request", "answer"]),
        ("/nowhere", 404, ["request", "answer"]),
        ("/drill", 500, ["request", "request failed", "answer"]),
    ],
)
def test_failed_requests_are_logged_completely(unsampled: Service, target: str, status: int, events: list[str]) -> None:
    """With LOG_SAMPLE=0, a failed request has all its lines in their order, also on the fast path."""
    for _ in range(2):
        answer = unsampled.get(target)
        assert (status, False) == (answer.status, "x-access-log" in answer.headers)
        records = find_records(unsampled, answer.request_id)
        assert events == [record["event"] for record in records]
        assert sorted(record["time"] for record in records) == [record["time"] for record in records]


def test_sampled_requests_have_no_header_for_nginx(service: Service) -> None:
    """With the default of LOG_SAMPLE, the responses do not contain the header for nginx."""
    assert [False] * 2 == ["x-access-log" in service.get(target).headers for target in (TARGET, "/schedules")]

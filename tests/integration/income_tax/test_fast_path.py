"""The equivalence of Flask and the fast path of `GET /`: status, body, headers and log lines."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.service import Service, request, running_service

GOOD = "married=yes&children=3&salary=200000"
QUERIES = [
    GOOD,
    "mari%C3%A9=oui&enfants=3&salaire=200000",
    "marie%CC%81=oui&enfants=3&salaire=200000",
    "year=2024&married=no&single_parent=yes&children=2&salary=50000",
    "year=2018&married=yes&children=0&salary=900000&spouse_salary=1&explain=yes",
    "year=2025&married=no&children=0&salary=900000",
    "",
    "x",
    "salary=1&salary=2&y=%FF%00",
    "year=2030&" + GOOD,
    GOOD + "&explain=yes",
    "married=yes&children=3&salary=" + "9" * 400,
    "a=" + quote("\r\n\x1b[31m"),
]
OF_THE_MOMENT = ("time", "duration", "pid", "thread")


@pytest.fixture(scope="module", params=["json", "masked", "text"])
def cached_service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the service with one worker and cached credentials, and yield the service for each log format."""
    settings = {"json": {}, "masked": {"MASK_AMOUNTS": "on"}, "text": {"LOG_FORMAT": "text"}}[request.param]
    with running_service(tmp_path_factory.mktemp("front"), WORKERS="1", **settings) as service:
        assert 200 == service.get("/?" + GOOD).status
        yield service


def read_lines(service: Service, request_id: str) -> list[Any]:
    """Return the log lines of a request without the fields that differ between two equal requests."""
    lines = [line for line in service.log_lines() if request_id in line]
    if not all(line.startswith("{") for line in lines):
        return [re.sub(r"duration=[\d.e-]+", "", line.partition(": [")[2]) for line in lines]
    records = [json.loads(line) for line in lines]
    return [[(name, value) for name, value in record.items() if name not in OF_THE_MOMENT] for record in records]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("number", [0, 1])
def test_fast_path_equals_flask(cached_service: Service, query: str, number: int) -> None:
    """A request with Content-Length bypasses the fast path, but gets the same response and log lines from Flask."""
    target = f"/?{query}" if query else "/"
    request_id = f"both-{number}-{QUERIES.index(query)}"
    answers, lines = [], []
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} if number else {}
    for header in (trace, {**trace, "Content_Length": "0"}):
        before = len(read_lines(cached_service, request_id))
        status, headers, body = request(
            cached_service.port, target, cached_service.credentials, X_Request_ID=request_id, **header
        )
        del headers["date"]
        answers.append((status, headers, body))
        lines.append(read_lines(cached_service, request_id)[before:])
    assert answers[0] == answers[1]
    assert lines[0] == lines[1]
    assert 2 == len(lines[0])

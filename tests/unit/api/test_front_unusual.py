"""The short way of GET / leaves to Flask what is unusual, and what fails."""

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.test import run_wsgi_app

from income_tax.http.middleware.fast_path import Front
from income_tax.http.middleware.request_log import BEGUN
from income_tax.tax.schedule_data import parse_schedules
from tests.support.data import schedules

USUAL = {"PATH_INFO": "/", "REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": "Basic x", "HTTP_X_REQUEST_ID": "12345678"}


class Logins:
    """Knows one header."""

    def knows(self, authorization: str) -> bool:
        """Whether it is the one."""
        return authorization == "Basic x"


class NoSchedules:
    """Fails."""

    def get(self) -> Any:
        """Fail."""
        raise RuntimeError


def front(said: list[str]) -> Front:
    """The short way, before an application that only says that it was called."""
    return Front(
        lambda environ, _start: [b"flask", environ.get(BEGUN, "").encode()],
        Logins(),  # type: ignore[arg-type]
        NoSchedules(),  # type: ignore[arg-type]
        lambda event, _fields: said.append(event),
    )


@pytest.mark.parametrize(
    "unusual",
    [
        {"PATH_INFO": "/curve"},
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "HEAD"},
        {"CONTENT_LENGTH": "0"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_AUTHORIZATION": "Basic y"},
        {"HTTP_AUTHORIZATION": ""},
    ],
    ids=str,
)
def test_what_is_unusual_goes_flask_s_way(unusual: dict[str, str]) -> None:
    """Another address, method or login, or a body, is Flask's from the beginning."""
    said: list[str] = []
    assert [b"flask", b""] == front(said)({**USUAL, **unusual}, lambda *_: lambda _: None)
    assert [] == said


def test_what_fails_goes_flask_s_way() -> None:
    """A failure is handed on, with the id under which its first line stands in the log already."""
    said: list[str] = []
    assert [b"flask", b"12345678"] == front(said)(dict(USUAL), lambda *_: lambda _: None)
    assert ["request"] == said


def test_each_answer_is_of_the_schedules_of_its_moment() -> None:
    """What was reloaded between two requests counts for the second, with its version."""
    other = copy.deepcopy(schedules().data)
    other["schedules"]["v7"]["cap_half_share"]["value"] = "1000"
    current = SimpleNamespace(get=schedules)
    way = Front(lambda *_: [], Logins(), current, lambda *_: None)  # type: ignore[arg-type]
    asked = USUAL | {"QUERY_STRING": "married=yes&children=3&salary=200000"}

    def ask() -> tuple[int, str]:
        parts, _, headers = run_wsgi_app(way, dict(asked))
        return json.loads(b"".join(parts))["response"]["result"]["tax"], headers["X-Schedules-Version"]

    first = ask()
    current.get = lambda: parse_schedules(other)
    second = ask()
    assert (42842, schedules().version) == first
    assert (True, parse_schedules(other).version) == (second[0] > first[0], second[1])

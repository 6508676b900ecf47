"""The fast path of GET / passes unusual and failing requests to Flask."""

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.test import run_wsgi_app

from income_tax.http.middleware.fast_path import FastPathMiddleware
from income_tax.http.middleware.request_lines import RequestLog
from income_tax.http.middleware.request_log import LOGGED
from income_tax.tax.schedule_parser import parse_schedules
from tests.support.data import schedules
from tests.support.fakes import build_counters

USUAL = {
    "PATH_INFO": "/",
    "QUERY_STRING": "x",
    "REQUEST_METHOD": "GET",
    "HTTP_AUTHORIZATION": "Basic x",
    "HTTP_X_REQUEST_ID": "12345678",
}


class FakeAuthenticator:
    """Authenticator that has cached the credentials of one login name."""

    def find_cached_login(self, authorization: str) -> str | None:
        """Return the login name if the header contains the cached credentials."""
        return "ann" if authorization == "Basic x" else None


class BrokenSchedules:
    """Schedules that raise an error."""

    def get(self) -> Any:
        """Raise an error."""
        raise RuntimeError


def build_fast_path(logged: list[str], share: float = 1) -> FastPathMiddleware:
    """Build the fast path of an application that returns `flask` and the request id. `logged` collects the events."""
    return FastPathMiddleware(
        lambda environ, _start: [b"flask", environ[LOGGED].request_id.encode() if LOGGED in environ else b""],
        FakeAuthenticator(),  # type: ignore[arg-type]
        BrokenSchedules(),  # type: ignore[arg-type]
        build_counters(),
        RequestLog(lambda event, *_: logged.append(event), share),
    )


@pytest.mark.parametrize(
    "unusual",
    [
        {"PATH_INFO": "/curve"},
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "HEAD"},
        {"QUERY_STRING": ""},
        {"CONTENT_LENGTH": "0"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_AUTHORIZATION": "Basic y"},
        {"HTTP_AUTHORIZATION": ""},
    ],
    ids=str,
)
def test_flask_answers_unusual_requests(unusual: dict[str, str]) -> None:
    """The fast path passes requests with an unusual path, query, method, login or body to Flask, and logs nothing."""
    logged: list[str] = []
    assert [b"flask", b""] == build_fast_path(logged)({**USUAL, **unusual}, lambda *_: lambda _: None)
    assert [] == logged


@pytest.mark.parametrize("share", [0, 1])
def test_flask_answers_failing_requests(share: float) -> None:
    """The fast path logs a failing request, also outside the sample, and passes it to Flask with its request id."""
    logged: list[str] = []
    assert [b"flask", b"12345678"] == build_fast_path(logged, share)(dict(USUAL), lambda *_: lambda _: None)
    assert ["request"] == logged


def test_answers_use_reloaded_schedules() -> None:
    """After a reload, responses use the new schedules and contain the new version."""
    other = copy.deepcopy(schedules().data)
    other["schedules"]["v7"]["cap_half_share"]["value"] = "1000"
    current = SimpleNamespace(get=schedules)
    log = RequestLog(lambda *_: None)
    fast_path = FastPathMiddleware(lambda *_: [], FakeAuthenticator(), current, build_counters(), log)  # type: ignore[arg-type]
    asked = USUAL | {"QUERY_STRING": "married=yes&children=3&salary=200000"}

    def ask() -> tuple[int, str]:
        parts, _, headers = run_wsgi_app(fast_path, dict(asked))
        return json.loads(b"".join(parts))["response"]["result"]["tax"], headers["X-Schedules-Version"]

    first = ask()
    current.get = lambda: parse_schedules(other)
    second = ask()
    assert (42842, schedules().version) == first
    assert (True, parse_schedules(other).version) == (second[0] > first[0], second[1])

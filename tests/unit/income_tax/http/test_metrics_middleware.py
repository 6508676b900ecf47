"""Tests of the middleware that counts the status and latency of responses."""

from typing import Any

import pytest

from income_tax.http.middleware.metrics import ROUTE, MetricsMiddleware


class FakeCounters:
    """Counters that keep the calls."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def begin_request(self) -> None:
        self.calls.append("begin")

    def record_response(self, route: int, status: int, _microseconds: int) -> None:
        self.calls.append((route, status))

    def discard_response(self) -> None:
        self.calls.append("discard")


@pytest.mark.parametrize(("status", "last_call"), [(200, (7, 200)), (401, (7, 401)), (204, "discard")])
def test_requests_of_nginx_itself_are_not_counted(status: int, last_call: Any) -> None:
    """The middleware counts each response to a client once with its route, and discards the 204 for nginx."""
    counters = FakeCounters()

    def app(_environ: Any, start: Any) -> list[bytes]:
        start(f"{status} X", [])
        return []

    MetricsMiddleware(app, counters)({ROUTE: 7}, lambda *_: None)  # type: ignore[arg-type]
    assert ["begin", last_call] == counters.calls


def test_a_failure_counts_as_500() -> None:
    """If the application raises an exception, the middleware counts the status 500 and raises the exception."""
    counters = FakeCounters()

    def app(*_: Any) -> list[bytes]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        MetricsMiddleware(app, counters)({}, lambda *_: None)  # type: ignore[arg-type]
    assert ["begin", (0, 500)] == counters.calls

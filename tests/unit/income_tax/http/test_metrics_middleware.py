"""Tests of the middleware that records the status of responses."""

from typing import Any

import pytest

from income_tax.http.middleware.metrics import MetricsMiddleware


class FakeMetrics:
    """Metrics that keep the recorded statuses."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def record(self, status: int, _seconds: float) -> None:
        self.statuses.append(status)


@pytest.mark.parametrize(
    ("path", "status", "recorded"),
    [("/", 200, [200]), ("/login-check", 401, [401]), ("/login-check", 204, []), ("/", 204, []), ("/status", 200, [])],
)
def test_requests_of_nginx_itself_are_not_recorded(path: str, status: int, recorded: list[int]) -> None:
    """The middleware records each request of a client once, and no successful login check of nginx."""
    metrics = FakeMetrics()

    def app(_environ: Any, start: Any) -> list[bytes]:
        start(f"{status} X", [])
        return []

    MetricsMiddleware(app, metrics)({"PATH_INFO": path}, lambda *_: None)  # type: ignore[arg-type]
    assert recorded == metrics.statuses

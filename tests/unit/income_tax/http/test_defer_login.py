"""Tests of the middleware that lets nginx wait for password checks."""

from typing import Any

import pytest

from income_tax.http.middleware.defer_login import DeferLoginMiddleware

REDIRECTED = [("204 NO CONTENT", [("X-Accel-Redirect", "@slow_login")])]


class FakeAuthenticator:
    """An authenticator that has cached one Authorization header."""

    def find_cached_login(self, authorization: str) -> str | None:
        return "ann" if authorization == "Basic cached" else None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"HTTP_X_DEFER_LOGIN": "on", "HTTP_AUTHORIZATION": "Basic unknown"}, REDIRECTED),
        ({"HTTP_X_DEFER_LOGIN": "on", "HTTP_AUTHORIZATION": "Basic cached"}, []),
        ({"HTTP_X_DEFER_LOGIN": "on"}, []),
        ({"HTTP_AUTHORIZATION": "Basic unknown"}, []),
    ],
)
def test_only_password_checks_are_deferred(headers: dict[str, str], expected: list[Any]) -> None:
    """The middleware redirects nginx only if nginx asks for that and the credentials are not cached."""
    started: list[Any] = []
    app = DeferLoginMiddleware(lambda *_: [b"answer"], FakeAuthenticator())  # type: ignore[arg-type]
    body = app(headers, lambda *start: started.append(start))  # type: ignore[arg-type]
    assert expected == started
    assert ([] if expected else [b"answer"]) == body

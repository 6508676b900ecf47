"""Tests of the requests with which nginx checks a login before it reads a body."""

from collections.abc import Iterator

import pytest

from tests.support.service import Service, running_service
from tests.support.waiting import wait_until

CHECK = "/login-check"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("login_check"), WORKERS="1") as running:
        yield running


def test_valid_login_is_not_logged(service: Service) -> None:
    """The check of a valid login returns status 204 without a body, and no log line."""
    answer = service.get(CHECK, X_Request_ID="valid-login")
    assert (204, None, []) == (answer.status, answer.body, service.events_of("valid-login"))


def test_wrong_login_is_explained_in_a_header(service: Service) -> None:
    """The check of a missing login returns status 401, with the error in the body, in a header and in the log."""
    answer = service.get(CHECK, None, X_Request_ID="missing-login")
    assert (401, answer.errors[0]) == (answer.status, answer.headers["x-login-error"])
    assert ["answer"] == service.events_of("missing-login")


def test_each_wrong_login_counts_once(service: Service) -> None:
    """Five checks of a wrong login start the throttle. A deferred login counts no failure."""
    deferred = [service.get("/", "guesser:wrong", X_Defer_Login="on") for _ in range(5)]
    assert [(204, "@slow_login")] * 5 == [(one.status, one.headers["x-accel-redirect"]) for one in deferred]
    assert [401] * 5 == [service.get(CHECK, "guesser:wrong").status for _ in range(5)]
    # Repeat the check, because the first wait lasts only a second and each further failure doubles the wait.
    throttled = wait_until(lambda: (answer := service.get(CHECK, "guesser:wrong")).status == 429 and answer)
    assert throttled.errors[0] == throttled.headers["x-login-error"]
    assert int(throttled.headers["retry-after"]) > 0

"""Tests of retries: transient failures, delays, log lines, request ids and Retry-After."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import structlog
from structlog.contextvars import get_contextvars

from tax_client.api import retry as module
from tax_client.api.request_failures import KINDS, ApiError
from tax_client.api.retry import BACKOFF, MAX_RETRY_AFTER, TRANSIENT, Retrier, parse_retry_after
from tax_common.logs import Log
from tests.unit.tax_client.fakes import build_list_log

PERMANENT = ["TLS error", "request failed", "not JSON", "wrong shape", "wrong echo", "refused"]
PERMANENT_STATUSES = ["status 301", "status 400", "status 401", "status 403", "status 404", "status 413", "status 500"]
NOW = 1_792_567_650.0  # Wed, 21 Oct 2026 07:27:30 GMT


class BoundedBackoff:
    """A backoff that returns the lower bound of each delay and records both bounds."""

    def __init__(self) -> None:
        self.bounds: list[tuple[float, float]] = []

    def compute_delay(self, attempts: int) -> float:
        low, high = BACKOFF.compute_delay(attempts, lambda: 1.0), BACKOFF.compute_delay(attempts, lambda: 0.0)
        self.bounds.append((low, high))
        return low


class FakeEvent:
    """An event whose `wait` returns immediately."""

    def __init__(self) -> None:
        self.waited: list[float | None] = []
        self.now = False

    def wait(self, seconds: float | None) -> bool:
        self.waited.append(seconds)
        return self.now

    def is_set(self) -> bool:
        return self.now

    def set(self) -> None:
        self.now = True


def build_retrier(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> tuple[Retrier, BoundedBackoff, FakeEvent, list[dict[str, Any]]]:
    """Build a retrier that never sleeps and numbers its request ids from 1."""
    log, events = build_list_log()
    retrier, backoff, stopped, ids = Retrier(limit, log), BoundedBackoff(), FakeEvent(), iter(range(1, 1000))
    monkeypatch.setattr(module, "BACKOFF", backoff)
    monkeypatch.setattr(retrier, "stopped", stopped)
    monkeypatch.setattr(module, "create_request_id", lambda: f"id-{next(ids)}")
    return retrier, backoff, stopped, events


def time_out(_: str) -> None:
    """Raise the ApiError for a timeout."""
    raise ApiError("timeout", "no")


def test_delays_double_up_to_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delay is between 0.1 and 0.2 s at first, and both bounds double up to 2.5 and 5 s."""
    retrier, backoff, stopped, _ = build_retrier(monkeypatch, 7)
    assert ("timeout: no", "id-8") == retrier.send(time_out)
    longest = [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert [(delay / 2, delay) for delay in longest] == backoff.bounds
    assert [delay / 2 for delay in longest] == stopped.waited


def test_each_attempt_is_logged_under_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log line about a retry has the reason, the delay in seconds and the id of the failed request."""
    retrier, _, stopped, events = build_retrier(monkeypatch, 2)
    sent: list[tuple[str, object]] = []

    def answer(request_id: str) -> str:
        sent.append((request_id, get_contextvars()["request_id"]))
        if len(sent) == 1:
            raise ApiError("status 503", "down", 1.23456)
        return "answer"

    assert ("answer", "id-2") == retrier.send(answer)
    assert [("id-1", "id-1"), ("id-2", "id-2")] == sent
    assert [1.23456] == stopped.waited
    for event in events:
        del event["thread"]
    assert [
        {"event": "retry", "level": "warning", "place": "run", "reason": "status 503: down", "seconds": 1.235}
        | {"request_id": "id-1"}
    ] == events
    assert not retrier.unauthorized
    assert not stopped.now


def test_a_rejected_login_stops_all_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a 401 the retrier does not repeat the rejected request or any later request."""
    retrier, _, stopped, events = build_retrier(monkeypatch, 3)

    def reject(_: str) -> None:
        raise ApiError("status 401", "who?")

    assert ("status 401: who?", "id-1") == retrier.send(reject)
    assert retrier.unauthorized is True
    assert stopped.now
    assert ("timeout: no", "id-2") == retrier.send(time_out)
    assert ([], []) == (stopped.waited, events)


def test_a_stop_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop during the delay makes the retrier return the last failure."""
    retrier, _, stopped, events = build_retrier(monkeypatch, 3)
    monkeypatch.setattr(stopped, "wait", lambda _: True)
    assert ("timeout: no", "id-1") == retrier.send(time_out)
    assert ["retry"] == [event["event"] for event in events]
    assert retrier.unauthorized is False


def test_a_bug_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is logged with its traceback, and the returned reason omits the exception's message."""
    retrier, _, _, events = build_retrier(monkeypatch, 3)

    def fail(_: str) -> None:
        raise ZeroDivisionError("secret")

    reason = "unexpected failure: ZeroDivisionError: search the client's log for the request's id"
    assert (reason, "id-1") == retrier.send(fail)
    (event,) = events
    del event["thread"]
    assert event == {
        "event": "unexpected_failure",
        "level": "error",
        "place": "run",
        "reason": reason,
        "request_id": "id-1",
        "exc_info": True,
    }


def list_delays(error: ApiError, limit: int = 1) -> list[float]:
    """Return a list with the delay before the first retry of a failing request. Without a retry the list is empty."""
    delays: list[float] = []

    def keep(_logger: Any, _level: str, event: structlog.typing.EventDict) -> Mapping[str, Any]:
        delays.append(event["seconds"])
        retrier.stopped.set()
        raise structlog.DropEvent

    def fail(_request_id: str) -> None:
        raise error

    wrapper = structlog.make_filtering_bound_logger("debug")
    log: Log = structlog.wrap_logger(None, processors=[keep], wrapper_class=wrapper)
    retrier = Retrier(limit, log)
    reason, _request_id = retrier.send(fail)
    assert str(error) == reason
    return delays


@pytest.mark.parametrize(
    "kind",
    [
        *("unknown host", "connection refused", "connection lost", "timeout"),
        *("status 429", "status 502", "status 503", "status 504"),
    ],
)
def test_transient_failures_are_retried(kind: str) -> None:
    """The retrier repeats a request after a transient failure, unless the limit is 0."""
    assert 1 == len(list_delays(ApiError(kind, "no")))
    assert [] == list_delays(ApiError(kind, "no"), limit=0)


@pytest.mark.parametrize("kind", [*PERMANENT, *PERMANENT_STATUSES])
def test_permanent_failures_are_not_retried(kind: str) -> None:
    """The retrier does not repeat a request after a permanent failure, even if the server sends Retry-After."""
    assert [] == list_delays(ApiError(kind, "no", 1))


def test_each_kind_without_a_response_is_transient_or_permanent() -> None:
    """Each kind of failure without a response is listed either as transient or as permanent."""
    assert {kind for _exceptions, kind, _message in KINDS} <= TRANSIENT | set(PERMANENT)


@pytest.mark.parametrize(("asked", "delays"), [(299.5, [299.5]), (300, [300]), (300.001, []), (999_999_999, [])])
def test_five_minutes_are_the_longest_delay(asked: float, delays: list[float]) -> None:
    """The retrier waits for a Retry-After of up to 300 s, and does not retry after a longer Retry-After."""
    assert delays == list_delays(ApiError("status 429", "slow down", asked))


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the local time zone to Asia/Tokyo."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("7", 7),
        ("-7", 0),
        ("7.5", 0),
        ("٣", 0),
        ("soon", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 30),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
        ("Wednesday, 21-Oct-26 07:28:00 GMT", 30),
        ("Wed Oct 21 07:28:00 2026", 30),
        ("Wed, 21 Oct 2026 07:28:00 -0000", 30),
        ("Wed, 21 Oct 2026 09:28:00 +0200", 30),
        ("Wed, 99 Oct 2026 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float) -> None:
    """In any local time zone, the parser returns the seconds until the retry. For an invalid header it returns 0."""
    assert seconds == parse_retry_after(header, lambda: NOW)


def test_a_number_of_any_length_is_a_long_delay() -> None:
    """The parser accepts a number with thousands of digits."""
    assert parse_retry_after("9" * 5000) > MAX_RETRY_AFTER

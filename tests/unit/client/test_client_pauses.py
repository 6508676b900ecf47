"""How long the client waits before it sends a request again, what it logs, and under which id it sends."""

from typing import Any

import pytest
from structlog.contextvars import get_contextvars

from tax_client.api import retry as module
from tax_client.api.responses import ApiError
from tax_client.api.retry import Retries
from tests.unit.client.fakes import list_log


class Chance:
    """Chance that takes the lower bound, and keeps both."""

    def __init__(self) -> None:
        self.bounds: list[tuple[float, float]] = []

    def uniform(self, low: float, high: float) -> float:
        self.bounds.append((low, high))
        return low


class Stopped:
    """An event that nobody waits for."""

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


def patient(monkeypatch: pytest.MonkeyPatch, most: int) -> tuple[Retries, Chance, Stopped, list[dict[str, Any]]]:
    """Retries without a real wait, whose ids are counted from 1."""
    log, events = list_log()
    retries, chance, stopped, ids = Retries(most, log), Chance(), Stopped(), iter(range(1, 1000))
    monkeypatch.setattr(retries, "_chance", chance)
    monkeypatch.setattr(retries, "_stopped", stopped)
    monkeypatch.setattr(module, "new_request_id", lambda: f"id-{next(ids)}")
    return retries, chance, stopped, events


def test_pauses_double_up_to_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses are drawn from 0.1 to 0.2 seconds first, twice as long each time, and from 2.5 to 5 in the end."""
    retries, chance, stopped, _ = patient(monkeypatch, 7)

    def fail(_: str) -> None:
        raise ApiError("timeout", "no")

    assert ("timeout: no", "id-8") == retries.send(fail)
    longest = [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert [(pause / 2, pause) for pause in longest] == chance.bounds
    assert [pause / 2 for pause in longest] == stopped.waited


def test_each_attempt_is_logged_under_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry's line has the reason, the pause in milliseconds and the id of the request that failed."""
    retries, _, stopped, events = patient(monkeypatch, 2)
    sent: list[tuple[str, object]] = []

    def answer(request_id: str) -> str:
        sent.append((request_id, get_contextvars()["request_id"]))
        if len(sent) == 1:
            raise ApiError("status 503", "down", 1.23456)
        return "answer"

    assert ("answer", "id-2") == retries.send(answer)
    assert [("id-1", "id-1"), ("id-2", "id-2")] == sent
    assert [1.23456] == stopped.waited
    for event in events:
        del event["thread"]
    assert [
        {"event": "retry", "level": "warning", "place": "run", "reason": "status 503: down", "seconds": 1.235}
        | {"request_id": "id-1"}
    ] == events
    assert not retries.refused
    assert not retries.stopped


def test_a_refused_login_stops_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a 401 nothing is sent again, by this request or another."""
    retries, _, stopped, events = patient(monkeypatch, 3)

    def refuse(_: str) -> None:
        raise ApiError("status 401", "who?")

    assert ("status 401: who?", "id-1") == retries.send(refuse)
    assert retries.refused is True
    assert retries.stopped

    def fail(_: str) -> None:
        raise ApiError("timeout", "no")

    assert ("timeout: no", "id-2") == retries.send(fail)
    assert ([], []) == (stopped.waited, events)


def test_a_stop_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop while a pause is waited for gives the failure that was."""
    retries, _, stopped, events = patient(monkeypatch, 3)
    monkeypatch.setattr(stopped, "wait", lambda _: True)

    def fail(_: str) -> None:
        raise ApiError("timeout", "no")

    assert ("timeout: no", "id-1") == retries.send(fail)
    assert ["retry"] == [event["event"] for event in events]
    assert retries.refused is False


def test_a_programmer_s_error_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other exception is the request's failure, logged with its traceback, and no detail of it is told."""
    retries, _, _, events = patient(monkeypatch, 3)

    def fail(_: str) -> None:
        raise ZeroDivisionError("secret")

    reason = "unexpected failure: ZeroDivisionError: find the request's id in the client's log"
    assert (reason, "id-1") == retries.send(fail)
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

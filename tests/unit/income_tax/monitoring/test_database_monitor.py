"""The monitor of the database: its reports, and that no driver's error ends it."""

import struct
from contextlib import AbstractContextManager
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from sqlalchemy import Engine

from income_tax.monitoring.database_monitor import DatabaseMonitor


class FakeEngine:
    """A database that answers, or raises an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def connect(self) -> AbstractContextManager[Any]:
        if self.error:
            raise self.error
        return MagicMock()


def watched(engine: FakeEngine) -> tuple[DatabaseMonitor, list[str]]:
    """A monitor of the database, and its reports."""
    told: list[str] = []
    return DatabaseMonitor(cast(Engine, engine), 10, told.append, lambda: told.append("answers")), told


def test_first_answer_is_reported_once() -> None:
    """The first answer is reported once: a service that started without the database learns that it is back."""
    watch, told = watched(FakeEngine())
    watch.check()
    watch.check()
    assert (["answers"], None) == (told, watch.trouble)


@pytest.mark.parametrize(
    "error",
    [
        OSError("timed out"),
        TimeoutError(),
        IndexError("tuple index out of range"),  # this and the next two are PyMySQL's, on an answer that is none
        struct.error("unpack requires a buffer of 4 bytes"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_each_loss_and_each_return_is_reported_once(error: Exception) -> None:
    """Any error of the driver is a loss, reported once with its text; the return is reported once."""
    engine = FakeEngine(error)
    watch, told = watched(engine)
    loss = f"the database does not answer: {str(error) or type(error).__name__}"
    for _ in range(2):
        engine.error = error
        watch.check()
        watch.check()
        assert loss == watch.trouble
        engine.error = None
        watch.check()
        watch.check()
        assert watch.trouble is None
    assert [loss, "answers"] * 2 == told


def test_one_failed_query_is_no_loss() -> None:
    """A database that answers the second query was not lost: the machine had stood still."""

    class Once(FakeEngine):
        def connect(self) -> AbstractContextManager[Any]:
            try:
                return super().connect()
            finally:
                self.error = None

    engine = Once()
    watch, told = watched(engine)
    watch.check()
    engine.error = OSError("timed out")
    watch.check()
    assert (["answers"], None) == (told, watch.trouble)


def test_thread_outlives_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread goes on after an error that no driver should raise."""
    pauses: list[float] = []

    class Enough(BaseException):
        """Ends the thread's loop."""

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise Enough

    monkeypatch.setattr("income_tax.monitoring.database_monitor.time.sleep", pause)
    watch, told = watched(FakeEngine(IndexError("tuple index out of range")))
    with pytest.raises(Enough):
        watch._run()
    assert ([10, 10, 10], 1) == (pauses, len(told))

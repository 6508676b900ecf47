"""The watch over the database: what it tells, and that nothing which a driver raises ends it."""

import struct
from contextlib import AbstractContextManager
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from sqlalchemy import Engine

from income_tax.monitoring.database_monitor import DatabaseMonitor


class FakeEngine:
    """A database that answers, unless there is an error for it to raise."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def connect(self) -> AbstractContextManager[Any]:
        if self.error:
            raise self.error
        return MagicMock()


def watched(engine: FakeEngine) -> tuple[DatabaseMonitor, list[str]]:
    """A watch over the database, and what it tells."""
    told: list[str] = []
    return DatabaseMonitor(cast(Engine, engine), 10, told.append, lambda: told.append("answers")), told


def test_first_answer_is_told_once() -> None:
    """A database that answers is told at the first look alone: who started without it learns that it is back."""
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
def test_each_loss_and_each_return_is_told_once(error: Exception) -> None:
    """Whatever the driver raises is a loss, told once with its words; the return is told once; and so the next time."""
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


def test_one_failed_look_is_no_loss() -> None:
    """A database that answers when it is asked again at once was not gone: a machine had stood still."""

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
    """The thread goes on to look after an error that no driver should raise."""
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

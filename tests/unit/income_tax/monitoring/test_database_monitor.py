"""The database monitor reports losses and recoveries, and continues after driver errors."""

import struct
from contextlib import AbstractContextManager
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from sqlalchemy import Engine

from income_tax.monitoring.database_monitor import DatabaseMonitor


class FakeEngine:
    """Database engine that connects or raises an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def connect(self) -> AbstractContextManager[Any]:
        if self.error:
            raise self.error
        return MagicMock()


def watched(engine: FakeEngine) -> tuple[DatabaseMonitor, list[str]]:
    """Return a database monitor and the list of its reports."""
    told: list[str] = []
    return DatabaseMonitor(cast(Engine, engine), 10, told.append, lambda: told.append("answers")), told


def test_first_answer_is_reported_once() -> None:
    """The database's first answer is reported once, because the service can have started without the database."""
    watch, told = watched(FakeEngine())
    watch.check()
    watch.check()
    assert (["answers"], None) == (told, watch.trouble)


@pytest.mark.parametrize(
    "error",
    [
        OSError("timed out"),
        TimeoutError(),
        IndexError("tuple index out of range"),  # malformed answers make PyMySQL raise this error and the next two
        struct.error("unpack requires a buffer of 4 bytes"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_each_loss_and_each_return_is_reported_once(error: Exception) -> None:
    """Any driver error is reported once as a loss with the error's text, and the recovery is reported once."""
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


def test_one_failed_query_is_not_reported_as_a_loss() -> None:
    """The monitor reports no loss if one query fails and the immediate second query succeeds."""

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


def test_thread_continues_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The monitor's thread continues after an unexpected error."""
    pauses: list[float] = []

    class Enough(BaseException):
        """Exception that ends the thread's loop."""

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise Enough

    monkeypatch.setattr("income_tax.monitoring.database_monitor.time.sleep", pause)
    watch, told = watched(FakeEngine(IndexError("tuple index out of range")))
    with pytest.raises(Enough):
        watch._run()
    assert ([10, 10, 10], 1) == (pauses, len(told))

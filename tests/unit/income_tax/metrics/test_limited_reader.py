"""The reader with a time limit."""

import threading

import pytest

from income_tax.metrics.limited_reader import LimitedReader


def test_a_slow_source_does_not_delay() -> None:
    """While a call takes longer than the limit, the last value is returned, and no second call starts."""
    go, calls = threading.Event(), list[int]()

    def read() -> int:
        calls.append(len(calls) + 1)
        if len(calls) == 2:
            assert go.wait(60)
        return len(calls)

    reader = LimitedReader(read, 60, 0)
    assert 1 == reader()
    reader._limit = 0.01
    assert ([1, 1], [1, 2]) == ([reader(), reader()], calls)
    reader._limit = 60
    go.set()
    assert 2 <= reader()


def test_an_unread_source_has_the_first_value() -> None:
    """Before the first call has ended, the first value is returned."""
    go = threading.Event()
    reader = LimitedReader(lambda: go.wait(60), 0.01, False)
    assert reader() is False
    go.set()


def test_errors_are_raised() -> None:
    """An exception of the source is raised."""

    def read() -> int:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        LimitedReader(read, 60, 0)()

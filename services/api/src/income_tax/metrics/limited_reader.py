"""A reader with a time limit, so that a slow source does not delay a scrape."""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class LimitedReader(Generic[T]):
    """Calls `read` in a thread. If it takes longer than `limit` seconds, the last known value is returned.

    A new call starts when the former call has ended. An exception of `read` is raised.
    """

    def __init__(self, read: Callable[[], T], limit: float, first: T) -> None:
        self._read, self._limit, self._last = read, limit, first
        self._executor: ThreadPoolExecutor | None = None  # created after the fork
        self._call: Future[T] | None = None

    def __call__(self) -> T:
        """Return the value, or the last known value."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1)
        if self._call is None or self._call.done():
            self._call = self._executor.submit(self._read)
        with contextlib.suppress(TimeoutError):
            self._last = self._call.result(self._limit)
        return self._last

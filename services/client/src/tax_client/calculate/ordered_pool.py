"""Threads that take works in turn, and hand them back in the order in which they came, few at a time."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from tax_client.errors import UserError
from tax_client.interruption import GRACE_SECONDS, News

DONE = 0  # what a thread says after each work; a signal says its number
AHEAD = 2  # works under way or waiting, for each thread

W = TypeVar("W")


class Interrupted(Exception):
    """A signal came while a work was awaited."""


class Conveyor(Generic[W]):
    """Up to `size` threads, Thread-1, Thread-2..., begun as works come; they are daemons, so that none holds the exit.

    `stop` is called when a signal's number comes in `news`; `beat` every `interval` seconds.
    """

    def __init__(
        self,
        work: Callable[[W], object],
        size: int,
        news: News,
        stop: Callable[[], None],
        beat: Callable[[], None] = lambda: None,
        interval: float | None = None,
    ) -> None:
        self._work, self._size, self._news = work, size, news
        self._stop, self._beat, self._interval = stop, beat, interval
        self._waiting: SimpleQueue[W | None] = SimpleQueue()
        self._threads = 0
        self._busy: set[int] = set()  # works that a thread has, by id(); add and discard are atomic
        self._done: set[int] = set()
        self.signal = 0  # the number of the one that interrupted

    def run(self, works: Iterator[W]) -> Iterator[W]:
        """Each work in its order, once it is done; after a signal those under way, as they are then, and no more.

        Raises UserError when the system gives no thread at all; it works with those it gives.
        """
        under_way: deque[W] = deque()
        try:
            while not self.signal and (work := self._next(works)) is not None:
                self._give(work)
                under_way.append(work)
                if len(under_way) >= AHEAD * self._size:
                    yield self._first(under_way)
            while under_way:
                yield self._first(under_way)
        finally:
            for _ in range(self._threads):
                self._waiting.put(None)

    def _next(self, works: Iterator[W]) -> W | None:
        """The next work; None when there is none, or a signal has come."""
        try:
            return next(works, None)
        except Interrupted:
            while not self.signal:
                self._hear(None)
            return None

    def _give(self, work: W) -> None:
        """Let a thread of its own begin with a work, as long as there may be more; then the next that is free."""
        if self._threads == self._size:
            self._waiting.put(work)
            return
        thread = threading.Thread(target=self._begin, args=[work], name=f"Thread-{self._threads + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system's limit of threads
            if not self._threads:
                raise UserError("threads: expected the system to start one: raise its limit (ulimit -u)") from None
            self._size = self._threads
            self._waiting.put(work)
        else:
            self._threads += 1

    def _begin(self, work: W | None) -> None:
        while work is not None:
            self._busy.add(id(work))
            try:
                self._work(work)
            finally:
                self._done.add(id(work))
                self._busy.discard(id(work))
                self._news.put(DONE)
            work = self._waiting.get()

    def _first(self, under_way: deque[W]) -> W:
        """The first work, when it is done or a signal has come."""
        while not self.signal and not self._news.empty():
            self._hear(0)
        while not self.signal and id(under_way[0]) not in self._done:
            self._hear(self._interval)
        work = under_way.popleft()
        self._done.discard(id(work))
        return work

    def _hear(self, timeout: float | None) -> None:
        try:
            message = self._news.get(timeout=timeout)
        except Empty:
            self._beat()
            return
        if message != DONE:
            self.signal = message
            self._stop()
            self._wind_down()

    def _wind_down(self) -> None:
        """Leave a moment to the requests on their way; a second signal ends it."""
        with suppress(Empty):  # what no thread has begun is not begun any more
            while True:
                self._waiting.get_nowait()
        end = time.monotonic() + GRACE_SECONDS
        while self._busy and (left := end - time.monotonic()) > 0:
            try:
                if self._news.get(timeout=left) != DONE:
                    return
            except Empty:
                return

"""Signals as messages for the main thread, which may also wait for threads."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

GRACE_SECONDS = 1.0  # what an interruption leaves to the requests on their way

News = SimpleQueue[int]  # its put() is safe in a signal handler, unlike an Event's set()


@contextmanager
def signals_into(news: News) -> Iterator[None]:
    """While open, SIGINT and SIGTERM put their number in `news` instead of breaking in anywhere."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, _frame: news.put(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

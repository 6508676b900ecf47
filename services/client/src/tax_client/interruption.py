"""Interruption of a command by SIGINT or SIGTERM."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

SIGNALLED = 128  # exit code of an interrupted command, plus the number of the signal
GRACE_SECONDS = 1.0  # time for the requests in flight to end after an interruption
SignalQueue = SimpleQueue[int]  # put() is safe in a signal handler, unlike Event.set()


class Interrupted(Exception):
    """Raised when a signal arrives while a command waits for its input."""


@contextmanager
def redirect_signals(queue: SignalQueue) -> Iterator[None]:
    """Put the numbers of SIGINT and SIGTERM into a queue, so that they do not interrupt the main thread."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, lambda number, _frame: queue.put(number))
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

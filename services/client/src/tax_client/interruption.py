"""Interruption of a command by SIGINT or SIGTERM."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

SIGNALLED = 128  # an interrupted command exits with the sum of this number and the signal's number
GRACE_SECONDS = 1.0  # how long an interrupted command waits for the requests in flight
SignalQueue = SimpleQueue[int]  # a signal handler can safely call put(), but not Event.set()


class Interrupted(Exception):
    """Raised when a signal arrives while a command waits for input."""


@contextmanager
def redirect_signals(queue: SignalQueue) -> Iterator[None]:
    """Put the signal number of each SIGINT or SIGTERM into a queue, instead of interrupting the main thread."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread can set handlers
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

"""Interruption of a command by SIGINT or SIGTERM."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

SIGNALLED = 128  # exit code of an interrupted command = this number + the number of the signal
GRACE_SECONDS = 1.0  # how long an interrupted command waits for requests in flight
SignalQueue = SimpleQueue[int]  # put() is safe in a signal handler, unlike Event.set()


class Interrupted(Exception):
    """Raised when a signal arrives while a command waits for its input."""


@contextmanager
def redirect_signals(queue: SignalQueue) -> Iterator[None]:
    """Put the number of each SIGINT or SIGTERM into a queue. The signal does not interrupt the main thread."""
    if threading.current_thread() is not threading.main_thread():  # Python lets no other thread set handlers
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

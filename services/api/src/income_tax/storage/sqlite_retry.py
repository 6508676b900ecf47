"""An SQLite file that another process uses just now."""

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

PATIENCE = 2.0  # seconds that a process waits for another's transaction, and a thread for another's
ROUND = 0.05  # seconds that one round of waiting counts at most

T = TypeVar("T")


def rounds() -> Iterator[float]:
    """Rounds of waiting until PATIENCE is over, each with the seconds that are left.

    While the whole machine stands still, whoever has the file does not get on either: that is no reason to give up.
    """
    left = PATIENCE
    while left > 0:
        begun = time.monotonic()
        yield left
        left -= min(time.monotonic() - begun, ROUND)


def acquired(lock: threading.Lock) -> bool:
    """Whether the lock could be had, waited for patiently."""
    return any(lock.acquire(timeout=min(left, ROUND)) for left in rounds())


def patiently(action: Callable[[], T]) -> T:
    """What the action gives, tried for PATIENCE seconds while another process has the file.

    SQLite's own waiting sleeps longer and longer, so that in a storm the one that has waited most loses to newcomers.
    """
    for _ in rounds():
        try:
            return action()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(random.uniform(0.0005, 0.002))  # noqa: S311 - not for security
    return action()

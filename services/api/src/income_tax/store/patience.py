"""An SQLite file that another process uses just now."""

import random
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 2.0  # seconds that a process waits for another's transaction, and a thread for another's

T = TypeVar("T")


def patiently(action: Callable[[], T]) -> T:
    """What the action gives, tried for PATIENCE seconds while another process has the file.

    SQLite's own waiting sleeps longer and longer, so that in a storm the one that has waited most loses to newcomers.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        time.sleep(random.uniform(0.0005, 0.002))  # noqa: S311 - not for security

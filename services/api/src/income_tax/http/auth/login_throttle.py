"""Guessing passwords is made slow: after a few failures, a login has to wait at the address they came from."""

import math
import sqlite3
import time
from collections.abc import Callable
from typing import Protocol

from income_tax.service_log import Log
from income_tax.storage.login_failures import Failures

FREE = 5  # failures in a row that cost nothing: people mistype
LONGEST = 300.0  # seconds; the wait is 1 s after the fifth failure and doubles with each further one
FORGOTTEN = 900.0  # seconds without a failure after which there was none
SUSPECT = 10.0  # seconds after a failure, not one of the first five, during which its address comes last
ANY = ""  # the login under which an address has its own row; nobody can log in as it
SAID_EVERY = 60.0  # seconds between two lines about a file that cannot be used


def wait(failures: Failures | None, now: float) -> float:
    """Seconds until the next try is allowed, 0 when it is now."""
    if failures is None or failures.count < FREE or now - failures.last > FORGOTTEN:
        return 0.0
    pause = min(LONGEST, 2.0 ** min(failures.count - FREE, 20))
    # A clock that was set back must not lock anybody out for longer than the pause.
    return max(0.0, min(pause, failures.last + pause - now))


class Record(Protocol):
    """Where failures are kept."""

    def find(self, login: str, address: str) -> Failures | None:
        """The failures of a login from an address."""

    def add(self, login: str, address: str, now: float, forgotten: float) -> None:
        """Count a failure."""

    def clear(self, login: str, address: str) -> None:
        """Forget the failures of a login from an address."""


class Throttle:
    """Counts failures, and says how long to wait. It depends on the login as it was sent, never on whether it exists.

    Without its record it lets everybody try, and logs that: a full disk must not lock the users out.
    """

    def __init__(self, record: Record, log: Log, clock: Callable[[], float] = time.time) -> None:
        self._record = record
        self._log = log
        self._clock = clock  # the wall clock: the record is shared between processes and outlives them
        self._said = -math.inf

    def wait(self, login: str, address: str) -> int:
        """Whole seconds that this login has to wait at this address, 0 when it may try."""
        try:
            return math.ceil(wait(self._record.find(login, address), self._clock()))
        except (sqlite3.Error, OSError) as error:
            self._say(error)
            return 0

    def suspect(self, address: str) -> bool:
        """Whether logins, any logins, fail at this address again and again, and did just now."""
        try:
            failures = self._record.find(ANY, address)
        except (sqlite3.Error, OSError) as error:
            self._say(error)
            return False
        return failures is not None and failures.count >= FREE and self._clock() - failures.last < SUSPECT

    def failed(self, login: str, address: str) -> None:
        """Count a failure."""
        now = self._clock()
        try:
            self._record.add(login, address, now, now - FORGOTTEN)
            self._record.add(ANY, address, now, now - FORGOTTEN)
        except (sqlite3.Error, OSError) as error:
            self._say(error)

    def succeeded(self, login: str, address: str) -> None:
        """Forget the failures."""
        try:
            if self._record.find(login, address):
                self._record.clear(login, address)
        except (sqlite3.Error, OSError) as error:
            self._say(error)

    def _say(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._said >= SAID_EVERY:
            self._said = now
            self._log.warning("failed logins are not counted", place="throttle", reason=str(error))

"""Throttle for password guesses: after repeated failures from an address, the login must wait at that address."""

import math
import sqlite3
import time
from collections.abc import Callable
from typing import Protocol

from income_tax.service_log import Log
from income_tax.storage.login_failure_store import Failures

FREE_FAILURES = 5  # consecutive failures before the first wait, because people mistype passwords
MAX_WAIT = 300.0  # seconds; the wait is 1 s after the fifth failure and doubles with each further failure
FORGET_AFTER = 900.0  # seconds from the last failure until the failures expire
SUSPECT_TIME = 10.0  # seconds for which an address is a suspect after its fifth or a later failure
ANY_LOGIN = ""  # login of the row that counts the failures of an address; no user has this login
LOG_INTERVAL = 60.0  # minimum seconds between two warnings about an unusable store


def compute_wait(failures: Failures | None, now: float) -> float:
    """Return the seconds until the next attempt is allowed, or 0 if an attempt is allowed now."""
    if failures is None or failures.count < FREE_FAILURES or now - failures.last > FORGET_AFTER:
        return 0.0
    wait = min(MAX_WAIT, 2.0 ** min(failures.count - FREE_FAILURES, 20))
    # If the clock is set back, a user must not be locked out for longer than the wait.
    return max(0.0, min(wait, failures.last + wait - now))


class FailureStore(Protocol):
    """Stores failed logins."""

    def find(self, login: str, address: str) -> Failures | None:
        """Return the failures of a login from an address."""

    def add(self, login: str, address: str, now: float, forgotten: float) -> None:
        """Count a failure."""

    def clear(self, login: str, address: str) -> None:
        """Delete the failures of a login from an address."""


class LoginThrottle:
    """Counts failed logins and computes waits, in the same way for existing and unknown logins.

    If the store fails, the throttle allows every attempt and logs a warning. A full disk must not lock users out.
    """

    def __init__(self, store: FailureStore, log: Log, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._log = log
        self._clock = clock  # the wall clock, because the store is shared by processes and outlives them
        self._warned_at = -math.inf

    def get_wait(self, login: str, address: str) -> int:
        """Return the whole seconds that this login must wait at this address, or 0 if an attempt is allowed now."""
        try:
            return math.ceil(compute_wait(self._store.find(login, address), self._clock()))
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
            return 0

    def is_suspect(self, address: str) -> bool:
        """Return whether logins from this address have failed repeatedly, the last one within SUSPECT_TIME."""
        try:
            failures = self._store.find(ANY_LOGIN, address)
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
            return False
        if failures is None or failures.count < FREE_FAILURES:
            return False
        return self._clock() - failures.last < SUSPECT_TIME

    def record_failure(self, login: str, address: str) -> None:
        """Count a failed attempt for the login at the address, and for the address."""
        now = self._clock()
        try:
            self._store.add(login, address, now, now - FORGET_AFTER)
            self._store.add(ANY_LOGIN, address, now, now - FORGET_AFTER)
        except (sqlite3.Error, OSError) as error:
            self._warn(error)

    def record_success(self, login: str, address: str) -> None:
        """Delete the failures of the login at the address."""
        try:
            if self._store.find(login, address):
                self._store.clear(login, address)
        except (sqlite3.Error, OSError) as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._warned_at >= LOG_INTERVAL:
            self._warned_at = now
            self._log.warning("failed logins are not counted", place="throttle", reason=str(error))

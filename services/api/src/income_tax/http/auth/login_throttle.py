"""Throttle for password guesses. It counts failed attempts for each pair of login name and client address.

After repeated failures, the service rejects attempts with the same login name from the same address for a while.
"""

import math
import sqlite3
import time
from collections.abc import Callable
from typing import Protocol

from income_tax.service_log import Log
from income_tax.storage.login_failure_store import Failures

FREE_FAILURES = 5  # consecutive failures that cause the first wait; fewer failures can be typing errors
MAX_WAIT = 300.0  # seconds; the first wait is 1 s, and each further failure doubles the wait up to this maximum
FORGET_AFTER = 900.0  # seconds after the last failure until the count of failures expires
SUSPECT_TIME = 10.0  # seconds; the fifth and each later failure make the address a suspect for this time
ANY_LOGIN = ""  # replaces the login name in the count of all failures of an address; no user has this login name
LOG_INTERVAL = 60.0  # minimum seconds between two warnings about an unusable store


def compute_wait(failures: Failures | None, now: float) -> float:
    """Return the seconds until the next attempt is allowed, or 0 if an attempt is allowed now."""
    if failures is None or failures.count < FREE_FAILURES or now - failures.last > FORGET_AFTER:
        return 0.0
    wait = min(MAX_WAIT, 2.0 ** min(failures.count - FREE_FAILURES, 20))
    # If the clock was set back, the inner min() limits the remaining time to the wait.
    return max(0.0, min(wait, failures.last + wait - now))


class FailureStore(Protocol):
    """Counts failed attempts for each pair of login name and client address."""

    def find(self, login: str, address: str) -> Failures | None:
        """Return the failures of the login name at the address, or None if no failure is stored."""

    def add(self, login: str, address: str, now: float, forgotten: float) -> None:
        """Count a failure. Restart the count if the last failure is older than the timestamp `forgotten`."""

    def clear(self, login: str, address: str) -> None:
        """Delete the failures of the login name at the address."""


class LoginThrottle:
    """Counts failed attempts and computes waiting times. Existing and unknown login names are treated alike.

    If the store fails, the throttle allows every attempt and logs a warning. A full disk must not lock users out.
    """

    def __init__(self, store: FailureStore, log: Log, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._log = log
        self._clock = clock  # the wall clock, because processes share the stored timestamps, also after a restart
        self._warned_at = -math.inf
        self._error: str | None = None  # the reason why the store failed at its last use

    def get_wait(self, login: str, address: str) -> int:
        """Return the remaining wait of the login name at the address in seconds, rounded up. 0 means no wait."""
        try:
            return math.ceil(compute_wait(self._store.find(login, address), self._clock()))
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
            return 0

    def is_suspect(self, address: str) -> bool:
        """Return whether at least FREE_FAILURES attempts from the address failed and the last failure is recent."""
        try:
            failures = self._store.find(ANY_LOGIN, address)
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
            return False
        if failures is None or failures.count < FREE_FAILURES:
            return False
        return self._clock() - failures.last < SUSPECT_TIME

    def record_failure(self, login: str, address: str) -> None:
        """Count a failed attempt for the login name at the address, and for the address alone."""
        now = self._clock()
        try:
            self._store.add(login, address, now, now - FORGET_AFTER)
            self._store.add(ANY_LOGIN, address, now, now - FORGET_AFTER)
            self._error = None
        except (sqlite3.Error, OSError) as error:
            self._warn(error)

    def record_success(self, login: str, address: str) -> None:
        """Delete the failures of the login name at the address."""
        try:
            if self._store.find(login, address):
                self._store.clear(login, address)
        except (sqlite3.Error, OSError) as error:
            self._warn(error)

    def find_trouble(self) -> str | None:
        """Return the reason why failures are not counted, or None. After a failure, try the store again."""
        if self._error:
            self.record_failure(ANY_LOGIN, ANY_LOGIN)  # no client has this address
        return self._error and f"failed logins are not counted: {self._error}"

    def _warn(self, error: Exception) -> None:
        self._error = str(error)
        now = time.monotonic()
        if now - self._warned_at >= LOG_INTERVAL:
            self._warned_at = now
            self._log.warning("failed logins are not counted", place="throttle", reason=str(error))

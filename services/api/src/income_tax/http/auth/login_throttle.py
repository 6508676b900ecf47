"""Throttles password guesses: after a few failures, a login has to wait at the address that the failures came from."""

import math
import sqlite3
import time
from collections.abc import Callable
from typing import Protocol

from income_tax.service_log import Log
from income_tax.storage.login_failures import Failures

FREE_FAILURES = 5  # consecutive failures without a wait: people mistype
MAX_WAIT = 300.0  # seconds; the wait is 1 s after the fifth failure and doubles with each further one
FORGET_AFTER = 900.0  # seconds after the last failure at which the failures expire
SUSPECT_TIME = 10.0  # seconds after a failure, not one of the first five, during which its address is a suspect
ANY_LOGIN = ""  # the login under which an address has its own row; no user has it
LOG_INTERVAL = 60.0  # seconds between two log lines about an unusable file


def compute_wait(failures: Failures | None, now: float) -> float:
    """Return the seconds until the next attempt is allowed, 0 if it is allowed now."""
    if failures is None or failures.count < FREE_FAILURES or now - failures.last > FORGET_AFTER:
        return 0.0
    wait = min(MAX_WAIT, 2.0 ** min(failures.count - FREE_FAILURES, 20))
    # A clock that was set back must not lock a user out for longer than the wait.
    return max(0.0, min(wait, failures.last + wait - now))


class FailureStore(Protocol):
    """Keeps the failures."""

    def find(self, login: str, address: str) -> Failures | None:
        """Return the failures of a login from an address."""

    def add(self, login: str, address: str, now: float, forgotten: float) -> None:
        """Count a failure."""

    def clear(self, login: str, address: str) -> None:
        """Forget the failures of a login from an address."""


class LoginThrottle:
    """Counts failures, and computes waits. They depend on the login as it was sent, never on whether it exists.

    Without its store it allows every attempt and logs a warning: a full disk must not lock the users out.
    """

    def __init__(self, store: FailureStore, log: Log, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._log = log
        self._clock = clock  # the wall clock: processes share the store, and it outlives them
        self._warned_at = -math.inf

    def get_wait(self, login: str, address: str) -> int:
        """Return the whole seconds that this login has to wait at this address, 0 if it may try now."""
        try:
            return math.ceil(compute_wait(self._store.find(login, address), self._clock()))
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
            return 0

    def is_suspect(self, address: str) -> bool:
        """Return whether logins of any users fail repeatedly at this address, and did just now."""
        try:
            failures = self._store.find(ANY_LOGIN, address)
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
            return False
        if failures is None or failures.count < FREE_FAILURES:
            return False
        return self._clock() - failures.last < SUSPECT_TIME

    def record_failure(self, login: str, address: str) -> None:
        """Count a failure of the login and of the address."""
        now = self._clock()
        try:
            self._store.add(login, address, now, now - FORGET_AFTER)
            self._store.add(ANY_LOGIN, address, now, now - FORGET_AFTER)
        except (sqlite3.Error, OSError) as error:
            self._warn(error)

    def record_success(self, login: str, address: str) -> None:
        """Forget the failures of the login at the address."""
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

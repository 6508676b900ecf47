"""Who may wait for a password check: one check at a time in each process, and few requests that wait for it.

A check takes a core and 32 MiB for 0.1 s. Were waiting free, guesses would soon hold every thread, and those whose
login is remembered would stand behind them.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

Key = tuple[bytes, str]


class Busy(Exception):
    """Too many checks wait already: come back in a second."""


@dataclass(slots=True)
class Check:
    """One check that is under way or waits for its turn, and what comes of it."""

    address: str
    suspect: bool
    outcome: Future[bool] = field(default_factory=Future)
    followers: int = 0


class Turns:
    """Hands out turns to check, one at a time, suspects last; who asks the same meanwhile shares the outcome.

    So a client that starts with a hundred threads waits for one check. All together may fill three quarters of the
    threads with checks of their own, suspects a half, one address a quarter, a suspect one a single thread and its
    followers another quarter: a crowd of guessers leaves room for everybody else.
    """

    def __init__(self, threads: int) -> None:
        self._quarter, self._half = max(1, threads // 4), max(1, threads // 2)
        self._most = max(1, threads * 3 // 4)
        self._checks: dict[Key, Check] = {}
        self._changed = threading.Condition()
        self._tickets = count()
        self._queue: list[tuple[bool, int]] = []
        self._busy = False

    def take(self, asked: bytes, address: str, suspect: bool, check: Callable[[], bool]) -> bool:
        """The outcome of the check, done here or by another thread that asked the same; Busy when too many wait."""
        key = (asked, address)
        with self._changed:
            this = self._checks.get(key)
            if leads := this is None:
                self._admit(address, suspect)
                this = self._checks[key] = Check(address, suspect)
            elif suspect and sum(one.followers for one in self._checks.values() if one.suspect) >= self._quarter:
                raise Busy
            else:
                this.followers += 1
        if not leads:
            return this.outcome.result()
        try:
            with self._turn(suspect):
                this.outcome.set_result(check())
        except Exception as error:
            this.outcome.set_exception(error)
        finally:
            with self._changed:
                del self._checks[key]
        return this.outcome.result()

    def _admit(self, address: str, suspect: bool) -> None:
        own = sum(one.address == address for one in self._checks.values())
        suspects = sum(one.suspect for one in self._checks.values())
        if own >= (1 if suspect else self._quarter) or (suspect and suspects >= self._half):
            raise Busy
        if len(self._checks) >= self._most:
            raise Busy

    @contextmanager
    def _turn(self, suspect: bool) -> Iterator[None]:
        with self._changed:
            ticket = (suspect, next(self._tickets))
            self._queue.append(ticket)
            self._changed.wait_for(lambda: not self._busy and min(self._queue) == ticket)
            self._queue.remove(ticket)
            self._busy = True
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

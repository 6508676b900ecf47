"""Bounded queue of password checks. Each process has one queue, which runs one check at a time.

A check occupies one core and 32 MiB of memory for 0.1 s. In an unbounded queue, password guesses could occupy every
thread of the process. Requests with cached credentials would then have to wait.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol


class QueueFull(Exception):
    """The queue has no free place for the calling thread. The client should retry after one second."""


class CheckCounters(Protocol):
    """Counters of the password checks."""

    def count_refused_check(self) -> None:
        """Count a check that found no place in the queue."""

    def set_waiting_checks(self, count: int) -> None:
        """Set the number of threads that wait for a check, or run one."""


class PasswordCheckQueue:
    """Runs password checks one at a time. The argument `question` is a digest of the credentials to check.

    Threads that pass the same question and the same client address share one check. The first of these threads occupies
    a place in the queue. The others occupy places only if the address is suspect. At most three quarters of the
    process's threads can occupy places. At most half of the threads can occupy places for suspect
    addresses, and at most a quarter can occupy places for the same address.

    The check for a suspect address starts only when no check for a non-suspect address is waiting.
    """

    def __init__(self, threads: int, counters: CheckCounters) -> None:
        self._limit, self._suspect_limit, self._address_limit = (max(1, threads * n // 4) for n in (3, 2, 1))
        self._counters = counters
        self._changed = threading.Condition()  # the lock of this condition protects all attributes below
        self._checks: dict[tuple[bytes, str], Future[bool]] = {}  # the running and waiting checks
        self._places: list[tuple[str, bool]] = []  # address and is_suspect of each occupied place
        self._is_busy = False  # whether a check is running
        self._others_waiting = 0  # number of waiting checks for addresses that are not suspects

    def run(self, question: bytes, address: str, is_suspect: bool, check: Callable[[], bool]) -> bool:
        """Return the result of the check, which this thread or another thread runs.

        Raises QueueFull if the queue has no free place for this thread.
        """
        key, place = (question, address), (address, is_suspect)
        with self._changed:
            shared = self._checks.get(key)
            has_place = shared is None or is_suspect
            if has_place:
                self._take_place(place)
            result = self._checks.setdefault(key, Future())
        try:
            if shared is None:
                self._run_in_turn(check, is_suspect, result)
            return result.result()
        finally:
            with self._changed:
                if has_place:
                    self._places.remove(place)
                    self._counters.set_waiting_checks(len(self._places))
                if shared is None:
                    del self._checks[key]

    def _take_place(self, place: tuple[str, bool]) -> None:
        address, is_suspect = place
        of_address = sum(other == address for other, _ in self._places)
        of_suspects = sum(suspect for _, suspect in self._places) if is_suspect else 0
        if len(self._places) >= self._limit or of_address >= self._address_limit or of_suspects >= self._suspect_limit:
            self._counters.count_refused_check()
            raise QueueFull
        self._places.append(place)
        self._counters.set_waiting_checks(len(self._places))

    def _run_in_turn(self, check: Callable[[], bool], is_suspect: bool, result: Future[bool]) -> None:
        with self._changed:
            self._others_waiting += not is_suspect
            self._changed.wait_for(lambda: not self._is_busy and not (is_suspect and self._others_waiting))
            self._others_waiting -= not is_suspect
            self._is_busy = True
        try:
            result.set_result(check())
        except BaseException as error:
            result.set_exception(error)
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()

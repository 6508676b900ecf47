"""The queue of password checks: one check at a time in each process, and few threads that wait for it.

A check takes a core and 32 MiB for 0.1 s. An unbounded queue would let guesses hold every thread, and requests with a
cached login would wait behind them.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future


class QueueFull(Exception):
    """Too many threads wait for a check: try again in a second."""


class PasswordCheckQueue:
    """Runs checks one at a time. Threads with the same question share one check, so a client's threads wait for one.

    A thread takes a place if it brings a new question, or if its address is a suspect. Places are limited to three
    quarters of the process's threads, to half of them for all suspects, and to a quarter for one address. A suspect's
    check begins only when no other check waits.
    """

    def __init__(self, threads: int) -> None:
        self._limit, self._suspect_limit, self._address_limit = (max(1, threads * n // 4) for n in (3, 2, 1))
        self._changed = threading.Condition()  # its lock protects all that follows
        self._checks: dict[tuple[bytes, str], Future[bool]] = {}  # by question and address
        self._places: list[tuple[str, bool]] = []  # address, is_suspect
        self._is_busy, self._others_waiting = False, 0  # whether a check runs, and how many wait that are no suspect's

    def run(self, question: bytes, address: str, is_suspect: bool, check: Callable[[], bool]) -> bool:
        """Return the result of the check, run here or by a thread with the same question. Raise QueueFull."""
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
                if shared is None:
                    del self._checks[key]

    def _take_place(self, place: tuple[str, bool]) -> None:
        address, is_suspect = place
        of_address = sum(other == address for other, _ in self._places)
        of_suspects = sum(suspect for _, suspect in self._places) if is_suspect else 0
        if len(self._places) >= self._limit or of_address >= self._address_limit or of_suspects >= self._suspect_limit:
            raise QueueFull
        self._places.append(place)

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

"""What a process of a flood says to the one that started it, and hears from it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tax_common.logs import LogFile

from .counters import Tally

TELL_EVERY = 0.25  # seconds


@dataclass(frozen=True, slots=True)
class News:
    """What was counted in one quarter of a second, by its number, and how many requests were on their way at its end.

    `elapsed` are the seconds since the begin.
    """

    quarter: int
    elapsed: float
    flying: int
    tally: Tally


class Parent:
    """The end of a pipe, in a process of a flood; `begin` is the start of the run on its clock."""

    def __init__(
        self, pipe: Connection, begin: float, log: LogFile, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._pipe, self._begin, self._log, self._clock = pipe, begin, log, clock
        self._quarter = 0
        self._cpu, self._lost = time.process_time(), 0
        self.next_tell = begin + TELL_EVERY

    def fileno(self) -> int:
        """What to watch: it becomes readable when the process is to stop, or when nobody is there to tell."""
        return self._pipe.fileno()

    def wants_stop(self, seconds: float = 0.0) -> bool:
        """Whether the process is to stop, waiting so long for it. Raises EOFError when the parent is gone."""
        return self._pipe.poll(seconds) and bool(self._pipe.recv())

    def tell(self, tally: Tally, flying: int) -> None:
        """Tell what was counted since the last time."""
        cpu = time.process_time()
        tally.cpu, self._cpu = cpu - self._cpu, cpu
        lost = self._log.lost
        tally.lost, self._lost = lost - self._lost, lost
        elapsed = self._clock() - self._begin
        self._pipe.send(News(self._quarter, elapsed, flying, tally))
        self._quarter = max(self._quarter + 1, int(elapsed / TELL_EVERY))
        self.next_tell = self._begin + (self._quarter + 1) * TELL_EVERY

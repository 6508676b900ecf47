"""The processes of a flood, from the side of the one that starts them."""

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Protocol

from tax_client.runtime import GRACE_SECONDS, SignalQueue

from .channel import News
from .plan import Plan
from .sender import Duty, serve

# fork: the workload is shared instead of sent, and a process is there in milliseconds.
FORK = multiprocessing.get_context("fork")
LEAD_SECONDS = 0.05  # from the order to begin to the beginning, so that all begin together
PATIENCE = GRACE_SECONDS + 2.0  # seconds without news, then what has not ended by itself is killed
ROUND = 0.1  # seconds that one wait for news takes at most


class Listener(Protocol):
    """Who wants to know what the processes do; each has a number."""

    def hear(self, process: int, news: News) -> None:
        """What a process tells."""

    def gone(self, process: int) -> None:
        """It has ended, whatever it was."""


class Processes:
    """The processes of a plan; its `run` is to be called once, before this process has threads."""

    def __init__(self, plan: Plan, duty: Duty) -> None:
        self._pipes: dict[Connection, multiprocessing.process.BaseProcess] = {}
        self.ended_badly: list[str] = []  # what happened to processes that did not end by themselves
        self.begin = 0.0
        self.stopped: float | None = None  # when they were told to stop early, in seconds from the begin
        for number in range(plan.processes):
            ours, theirs = FORK.Pipe()
            own = [*self._pipes, ours]
            process = FORK.Process(target=serve, args=(plan.share(number), duty, theirs, own), daemon=True)
            process.start()
            theirs.close()
            self._pipes[ours] = process

    def run(self, listener: Listener, beat: Callable[[], None], signals: SignalQueue) -> int:
        """Let them send; the listener gets each one's news, `beat` is called several times a second.

        Returns 0, or the number of the signal that ended it early.
        """
        self.begin = time.perf_counter() + LEAD_SECONDS
        numbers = {pipe: number for number, pipe in enumerate(self._pipes)}
        self._tell_all(self.begin)
        interrupted, patience = 0, PATIENCE
        while self._pipes:
            ready = wait([*self._pipes], timeout=ROUND)
            for pipe in [one for one in numbers if one in ready]:
                self._hear(pipe, numbers[pipe], listener)
            if not signals.empty() and not interrupted:
                interrupted = signals.get()
                self.stopped = time.perf_counter() - self.begin
                self._tell_all(True)
            elif interrupted and not ready:
                patience -= ROUND  # by rounds: a machine that stands still for seconds costs one
            if interrupted and (patience <= 0 or not signals.empty()):
                self.kill()
            beat()
        return interrupted

    def kill(self) -> None:
        """End those that are left, at once."""
        for process in self._pipes.values():
            process.kill()

    def _tell_all(self, message: object) -> None:
        for pipe in self._pipes:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                pipe.send(message)

    def _hear(self, pipe: Connection, number: int, listener: Listener) -> None:
        try:
            listener.hear(number, pipe.recv())
        except (EOFError, OSError):  # its end, whatever it was
            process = self._pipes.pop(pipe)
            pipe.close()
            process.join()
            listener.gone(number)
            if process.exitcode:
                self.ended_badly.append(f"process {number} of the client {end_of(process.exitcode)}")


def end_of(code: int) -> str:
    """How a process ended, in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"

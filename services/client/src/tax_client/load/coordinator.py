"""The coordinator of a run, which starts and stops the sender processes, and records their reports."""

import contextlib
import math
import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from tax_client.interruption import GRACE_SECONDS, SignalQueue

from .load_plan import Plan
from .outcome_counters import REPORT_INTERVAL, SenderReport
from .run_results import Interval, Run
from .sender_process import SenderConfig, run_sender

# Senders are forked, because forked processes share the workload in memory and start in milliseconds.
FORK = multiprocessing.get_context("fork")
START_DELAY = 0.05  # seconds from the start message to the start of the run, so that all senders start together
STOP_TIMEOUT = GRACE_SECONDS + 2.0  # an interrupted run kills its senders after this many seconds without reports
POLL_INTERVAL = 0.1  # longest wait for a report, in seconds
# A run has at most 480 intervals. Their length is 0.25 s at first. After two minutes, the recorder merges every four
# intervals into one interval of 1 s. Later merges create intervals of 4 s, 16 s and so on.
INTERVALS_MAX, COARSER = 480, 4
RECENT = 8  # number of complete intervals that the current rate covers


class RunRecorder:
    """Adds the reports of the senders to a run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._last: dict[int, SenderReport] = {}  # maps the number of a running sender to its last report
        self._loads: dict[int, float] = {}  # maps the number of a running sender to its CPU seconds per second

    def add_report(self, sender: int, report: SenderReport) -> None:
        """Add a report of the sender with the number `sender`."""
        run = self.run
        run.total.add(report.counters)
        run.elapsed = max(run.elapsed, report.elapsed)
        run.measured_until = run.elapsed if run.length is None else min(run.elapsed, run.length)
        number = int(report.interval * REPORT_INTERVAL / run.interval)
        if number >= INTERVALS_MAX:
            run.coarsen(run.interval * COARSER)
            number //= COARSER
        interval = run.intervals.setdefault(number, Interval())
        interval.counters.add(report.counters)
        before = self._last[sender].elapsed if sender in self._last else 0.0
        self._loads[sender] = report.counters.cpu / max(report.elapsed - before, REPORT_INTERVAL)
        self._last[sender] = report
        interval.in_flight = sum(one.in_flight for one in self._last.values())

    def remove_sender(self, sender: int) -> None:
        """Remove the load and the requests in flight of a sender that has ended."""
        self._last.pop(sender, None)
        self._loads.pop(sender, None)

    def finish(self, requests: int | None, stopped: float | None) -> None:
        """Set the end of the measured time. Call this method after all senders have ended.

        After an interruption, the end is `stopped`, in seconds from the start of the run. If all `requests` were sent,
        the end is the time of the last measured answer. Otherwise, the end is the planned end if no sender failed.
        """
        run = self.run
        if stopped is not None:
            run.measured_until = min(run.measured_until, stopped)
        elif requests is not None and run.total.sent >= requests:
            run.measured_until = run.total.last or run.measured_until
        elif run.length is not None and not run.ended_badly:
            run.measured_until = run.length

    @property
    def current_load(self) -> float:
        """The share of the available CPU time that the client used, according to the last reports."""
        return sum(self._loads.values()) / self.run.cores

    @property
    def current_rate(self) -> float:
        """The answers per second in the last RECENT complete intervals, or NaN if there is no complete interval."""
        run, newest = self.run, max(self.run.intervals, default=0)
        recent = [run.intervals[n].counters.answered for n in range(newest - RECENT, newest) if n in run.intervals]
        return sum(recent) / (len(recent) * run.interval) if recent else math.nan


class Coordinator:
    """Controls the sender processes of a plan. Call `run` only once.

    The constructor forks the senders, so call it before this process starts its first thread.
    """

    def __init__(self, plan: Plan, config: SenderConfig) -> None:
        self._pipes: dict[Connection, multiprocessing.process.BaseProcess] = {}
        self.ended_badly: list[str] = []  # messages about senders that were killed or failed
        self.begin = 0.0
        self.stopped: float | None = None  # seconds from the start of the run to an interruption
        for number in range(plan.processes):
            ours, theirs = FORK.Pipe()
            inherited = [*self._pipes, ours]
            arguments = (plan.build_share(number), config, theirs, inherited)
            process = FORK.Process(target=run_sender, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._pipes[ours] = process

    def run(self, recorder: RunRecorder, refresh: Callable[[], None], signals: SignalQueue) -> int:
        """Start the senders, record their reports until all have ended, and call `refresh` several times per second.

        Return the number of the signal that ended the run early, or 0 if the run ended normally.
        """
        self.begin = time.perf_counter() + START_DELAY
        numbers = {pipe: number for number, pipe in enumerate(self._pipes)}
        self._send_all(self.begin)
        interrupted_by, patience = 0, STOP_TIMEOUT
        while self._pipes:
            ready = wait([*self._pipes], timeout=POLL_INTERVAL)
            for pipe in [one for one in numbers if one in ready]:
                self._receive(pipe, numbers[pipe], recorder)
            if not signals.empty() and not interrupted_by:
                interrupted_by = signals.get()
                self.stopped = time.perf_counter() - self.begin
                self._send_all(True)
            elif interrupted_by and not ready:
                patience -= POLL_INTERVAL  # counts a round as 0.1 s even if the machine was suspended
            if interrupted_by and (patience <= 0 or not signals.empty()):
                self.kill()
            refresh()
        return interrupted_by

    def kill(self) -> None:
        """Kill the senders that are still running."""
        for process in self._pipes.values():
            process.kill()

    def _send_all(self, message: object) -> None:
        for pipe in self._pipes:
            with contextlib.suppress(OSError):  # the sender has ended
                pipe.send(message)

    def _receive(self, pipe: Connection, number: int, recorder: RunRecorder) -> None:
        try:
            recorder.add_report(number, pipe.recv())
        except (EOFError, OSError):  # the sender has ended or was killed
            process = self._pipes.pop(pipe)
            pipe.close()
            process.join()
            recorder.remove_sender(number)
            if process.exitcode:
                self.ended_badly.append(f"process {number} of the client {describe_exit(process.exitcode)}")


def describe_exit(code: int) -> str:
    """Describe the exit code of a process in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"

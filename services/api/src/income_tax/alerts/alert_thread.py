"""The background sender of a channel. Request threads only spool alerts, so no request waits for a server."""

import contextlib
import sqlite3
import sys
import threading
import time
from collections.abc import Callable

from income_tax.service_log import Log
from tax_common.files import ProcessLock

from .alert import Alert, Kind
from .channel import Delivery
from .spool import Spool

SPOOL_ERRORS = (sqlite3.Error, OSError)
PAUSE = 5.0  # seconds that a task pauses after an error
ATTEMPTS = 3  # maximum number of attempts of `resolve_at_once`
POLL_INTERVAL = 0.5  # seconds between two polls for alerts of other processes


class AlertThread:
    """Spools the alerts of one channel. The thread delivers them if this process holds the channel's lock on the host.

    Neither an open spool nor a thread survives gunicorn's fork. Therefore, the spool is opened when it is first used.
    `start` starts the thread, and must be called after the fork.
    """

    def __init__(
        self, spool: Spool, lock: ProcessLock, delivery: Delivery, log: Log, clock: Callable[[], float] = time.time
    ) -> None:
        self._spool = spool
        self._memory = Spool(None)  # alerts that could not be spooled; this process delivers them
        self._uses_memory = False
        self.sender_lock = lock
        self.is_sender = False  # whether this process mails the failures that all processes of the host detect
        self._delivery = delivery
        self._log = log.bind(place="alerts")
        self._clock = clock
        self._resolved_kinds: set[Kind] = set()  # resolved kinds that the spools have not recorded yet
        self._printed = ""  # the reason that was last printed on stderr
        self._errors: dict[str, str] = {}  # the last error of each task
        self._paused_until: dict[str, float] = {}  # the end of each task's pause
        self._wake, self._stop = threading.Event(), threading.Event()
        self._lock, self._merge_lock = threading.Lock(), threading.Lock()  # incidents move under the second lock
        self._thread: threading.Thread | None = None

    def send(self, alert: Alert) -> None:
        """Spool the alert for delivery. Never raises. The call can wait for the disk, but not for the mail server."""
        with self._lock:
            self._resolved_kinds.discard(alert.kind)
        try:
            self._spool.report(alert, self._clock())
        except SPOOL_ERRORS as error:
            reason = f"{type(error).__name__}: {error}"
            self._log.error("alert not spooled", kind=alert.kind, reason=reason)
            self._print_once(reason)
            self._keep_in_memory(alert)
        else:
            self._printed = ""
        self._wake.set()

    def start(self) -> None:
        """Start this process's thread, which can also deliver the alerts of other processes."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
                self._thread.start()

    def resolve_startup(self) -> None:
        """Resolve the incidents of failed starts. The service calls this method at its start, before the fork."""
        self.resolve_at_once("startup")
        with self._lock:
            self._resolved_kinds.clear()  # otherwise each worker forked later would resolve the failures again
        self._spool.close()

    def resolve(self, kind: Kind) -> None:
        """Resolve the incidents of a kind. Never raises. If the spool cannot be used, the thread tries again later."""
        with self._lock:
            self._resolved_kinds.add(kind)
        self._run_task("resolve", self._record_resolved)
        self._wake.set()

    def resolve_at_once(self, kind: Kind) -> None:
        """Resolve the incidents of a kind. Try up to ATTEMPTS times, because no thread of this process retries."""
        for _ in range(ATTEMPTS):
            self._paused_until.pop("resolve", None)
            self.resolve(kind)
            if not self._resolved_kinds:
                break

    def wait_until_idle(self, timeout: float) -> None:
        """Start the thread. Wait up to `timeout` seconds until some process has tried to send every due mail."""
        self.start()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and not self._is_idle():
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stop.set()
        self._wake.set()

    def close(self, timeout: float) -> None:
        """Stop the thread. It first delivers due mails for up to `timeout` seconds. Unsent mails stay in the spool."""
        self.stop()
        if self._thread:
            self._thread.join(timeout)

    def count_mails(self) -> dict[str, int]:
        """Count the pending, sent and dead mails. Return an empty dictionary if the spool cannot be read."""
        with contextlib.suppress(*SPOOL_ERRORS):
            return self._delivery.count_mails(self._spool)
        return {}

    def _print_once(self, reason: str) -> None:
        """Print a reason on stderr unless it equals the last printed reason, because a write to stderr can block."""
        if reason != self._printed:
            self._printed = reason
            with contextlib.suppress(OSError, ValueError):  # stderr might be closed
                print(f"alerts are not spooled: {reason}", file=sys.stderr, flush=True)

    def _keep_in_memory(self, alert: Alert) -> None:
        try:
            self._memory.report(alert, self._clock())
            self._uses_memory = True
        except SPOOL_ERRORS as error:
            self._log.error("alert lost", kind=alert.kind, reason=str(error))

    def _is_idle(self) -> bool:
        try:
            with self._merge_lock:
                is_idle = self._delivery.is_idle(self._memory)
            return is_idle and self._delivery.is_idle(self._spool)
        except SPOOL_ERRORS:  # wait for a busy spool, but stop if the thread has also failed to use the spool
            return "spool" in self._errors

    def _run(self) -> None:
        while not self._stop.is_set():
            self._run_once()
            self._wake.wait(POLL_INTERVAL)
            self._wake.clear()
        self._run_once(is_last=True)
        self.sender_lock.release()

    def _run_once(self, is_last: bool = False) -> None:
        self._run_task("resolve", self._record_resolved)
        self._run_task("spool", lambda: self._deliver(is_last))
        if self._uses_memory:
            self._run_task("memory", lambda: self._delivery.deliver_due(self._memory, is_last))

    def _record_resolved(self) -> None:
        """Record the resolved kinds in the spools. The next round retries the kinds that could not be recorded."""
        with self._lock:
            kinds = tuple(self._resolved_kinds)
        for kind in kinds if self._uses_memory else ():
            self._memory.resolve(kind)  # call this first, because an error of the spool file would prevent this call
        for kind in kinds:
            self._spool.resolve(kind)
            with self._lock:
                self._resolved_kinds.discard(kind)

    def _deliver(self, is_last: bool) -> None:
        try:
            self.is_sender = self.sender_lock.try_acquire()
        except OSError:
            self.is_sender = True  # no process can open the lock file, so each process mails its own failures
            raise
        if self._uses_memory:
            with self._merge_lock:
                self._merge_memory()
        if self.is_sender:
            self._delivery.deliver_due(self._spool, is_last)

    def _merge_memory(self) -> None:
        """Move unreported incidents from memory to the spool, so that repeated failures form one incident."""
        unreported = self._memory.pop_unreported()
        try:
            while unreported:
                self._spool.merge_incident(unreported[-1])
                unreported.pop()
        finally:
            for incident in unreported:  # the spool cannot be used
                self._memory.merge_incident(incident)

    def _run_task(self, name: str, task: Callable[[], object]) -> None:
        """Run the task unless it is paused. Log each new error, and pause the task after an error. Never raises."""
        if time.monotonic() < self._paused_until.get(name, 0) and not self._stop.is_set():
            return
        try:
            task()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            if reason != self._errors.get(name):
                self._log.exception("alert spool error", what=name, reason=reason)
            self._errors[name], self._paused_until[name] = reason, time.monotonic() + PAUSE
        else:
            self._errors.pop(name, None)

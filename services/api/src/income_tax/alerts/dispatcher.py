"""The dispatcher takes alerts from the threads that answer requests, so that none of them waits for an SMTP server."""

import contextlib
import sqlite3
import sys
import threading
import time
from collections.abc import Callable

from income_tax.service_log import Log
from tax_common.file_lock import ProcessLock

from .alert import Alert, Kind
from .delivery import MailDelivery
from .spool import Spool

SPOOL_ERRORS = (sqlite3.Error, OSError)
PAUSE = 5.0  # seconds until a spool that failed is used again
ATTEMPTS = 3  # to record a resolution where no thread retries it
POLL_INTERVAL = 0.5  # seconds between two looks at the alerts of other processes


class Dispatcher:
    """Spools alerts; its thread delivers them while this process holds the host's sender lock.

    The spool is opened at its first use, and `start` starts the thread: after gunicorn's fork, which neither survives.
    """

    def __init__(
        self,
        spool: Spool,
        sender_lock: ProcessLock,
        delivery: MailDelivery,
        log: Log,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._spool = spool
        self._memory = Spool(None)  # alerts that the spool could not take: this process groups and sends them
        self._uses_memory = False
        self._sender_lock = sender_lock
        self._delivery = delivery
        self._log = log.bind(place="alerts")
        self._clock = clock
        self._resolved_kinds: set[Kind] = set()  # kinds that the spools have not recorded as resolved
        self._printed = ""  # the last reason on the console
        self._errors: dict[str, str] = {}  # by task
        self._paused_until: dict[str, float] = {}  # by task
        self._wake, self._stop = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._merge_lock = threading.Lock()  # held while incidents are in neither spool
        self._thread: threading.Thread | None = None

    def send(self, alert: Alert) -> None:
        """Spool the alert for delivery; never raises, and waits for a disk at most, not for a mail server."""
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
        """Start this process's thread, which may also deliver the alerts of other processes."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
                self._thread.start()

    def resolve_startup(self) -> None:
        """Resolve failures to start, once the service has started and before it forks."""
        self.resolve_at_once("startup")
        with self._lock:
            self._resolved_kinds.clear()  # else each worker forked later would resolve failures of that time
        self._spool.close()

    def resolve(self, kind: Kind) -> None:
        """Resolve the incidents of a kind: the failed operation has succeeded. Never raises; the thread retries."""
        with self._lock:
            self._resolved_kinds.add(kind)
        self._run_task("resolve", self._record_resolved)
        self._wake.set()

    def resolve_at_once(self, kind: Kind) -> None:
        """Resolve where no thread retries it: several attempts, each as long as the timeout of the spool."""
        for _ in range(ATTEMPTS):
            self._paused_until.pop("resolve", None)
            self.resolve(kind)
            if not self._resolved_kinds:
                break

    def wait_until_idle(self, timeout: float) -> None:
        """Wait `timeout` seconds at most until this process or another has tried every mail that is due."""
        self.start()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and not self._is_idle():
            time.sleep(0.02)

    def close(self, timeout: float) -> None:
        """Deliver mails that are due for `timeout` seconds at most; the rest stays in the spool."""
        self._stop.set()
        self._wake.set()
        if self._thread:
            self._thread.join(timeout)

    def count_mails(self) -> dict[str, int]:
        """Count the mails that are pending, sent and dead; empty when the spool cannot be read."""
        try:
            return self._spool.count_mails()
        except SPOOL_ERRORS:
            return {}

    def _print_once(self, reason: str) -> None:
        """Print a new reason on the console; in a storm of failures no request waits for a slow console."""
        if reason != self._printed:
            self._printed = reason
            with contextlib.suppress(OSError, ValueError):  # the console may be gone
                print(f"alerts are not spooled: {reason}", file=sys.stderr, flush=True)

    def _keep_in_memory(self, alert: Alert) -> None:
        try:
            self._memory.report(alert, self._clock())
            self._uses_memory = True
        except SPOOL_ERRORS as error:
            self._log.error("alert lost", kind=alert.kind, reason=str(error))

    def _is_idle(self) -> bool:
        try:
            if self._uses_memory:
                with self._merge_lock:
                    if not self._delivery.is_idle(self._memory):
                        return False
            return self._delivery.is_idle(self._spool)
        except SPOOL_ERRORS:  # the delivery of the very mail may keep it busy
            return "spool" in self._errors

    def _run(self) -> None:
        while not self._stop.is_set():
            self._run_once()
            self._wake.wait(POLL_INTERVAL)
            self._wake.clear()
        self._run_once(is_last=True)
        self._sender_lock.release()

    def _run_once(self, is_last: bool = False) -> None:
        self._run_task("resolve", self._record_resolved)
        self._run_task("spool", lambda: self._deliver(is_last))
        if self._uses_memory:
            self._run_task("memory", lambda: self._delivery.deliver_due(self._memory, is_last))

    def _record_resolved(self) -> None:
        """Record the resolved kinds in the spools; the next round retries those that fail."""
        with self._lock:
            kinds = tuple(self._resolved_kinds)
        for kind in kinds if self._uses_memory else ():
            self._memory.resolve(kind)  # first, and all: memory works whatever the state of the file
        for kind in kinds:
            self._spool.resolve(kind)
            with self._lock:
                self._resolved_kinds.discard(kind)

    def _deliver(self, is_last: bool) -> None:
        if self._uses_memory:
            with self._merge_lock:
                self._merge_memory()
        if self._sender_lock.try_acquire():
            self._delivery.deliver_due(self._spool, is_last)

    def _merge_memory(self) -> None:
        """Move unreported incidents from memory to the spool, so that a storm of failures is one incident."""
        unreported = self._memory.pop_unreported()
        while unreported:
            try:
                self._spool.merge_incident(unreported[-1])
            except SPOOL_ERRORS:
                for incident in unreported:
                    self._memory.merge_incident(incident)
                raise
            unreported.pop()

    def _run_task(self, name: str, task: Callable[[], object]) -> None:
        """Run the task; log its errors, each once until it changes. An error never ends the thread."""
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

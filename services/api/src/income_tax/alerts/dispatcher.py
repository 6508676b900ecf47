"""Takes alerts from the threads that answer requests, so that none of them ever waits for an SMTP server."""

import contextlib
import sqlite3
import sys
import threading
import time
from collections.abc import Callable

from income_tax.service_log import Log

from .alert import Alert, Kind
from .delivery import Sender
from .sender_lock import Leadership
from .spool import Spool

SPOOL_TROUBLE = (sqlite3.Error, OSError)
REST = 5.0  # seconds that a spool which made trouble is left alone
ATTEMPTS = 3  # to note what is over, where there is no later
POLL = 0.5  # seconds between two looks at what other processes have reported


class Dispatcher:
    """Spools what is reported, and one thread a process that sends it, if no other process of this host does.

    The spool is opened at its first use, the thread by `start`: after gunicorn's fork, which neither survives.
    """

    def __init__(
        self, spool: Spool, leadership: Leadership, sender: Sender, log: Log, clock: Callable[[], float] = time.time
    ) -> None:
        self._spool = spool
        self._memory = Spool(None)  # what the spool cannot take: grouped and sent by this process alone
        self._used_memory = False
        self._leadership = leadership
        self._sender = sender
        self._log = log.bind(place="alerts")
        self._clock = clock
        self._over: set[Kind] = set()  # kinds of failure that are over, which the spools are still to be told
        self._said = ""  # on the console
        self._troubles: dict[str, str] = {}
        self._rests: dict[str, float] = {}
        self._wake, self._stop = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._moving = threading.Lock()  # held while incidents are in neither spool
        self._thread: threading.Thread | None = None

    def send(self, alert: Alert) -> None:
        """Keep the alert, to be mailed soon; never raises, and waits for a disk at most, not for a mail server."""
        with self._lock:
            self._over.discard(alert.kind)
        try:
            self._spool.report(alert, self._clock())
        except SPOOL_TROUBLE as error:
            reason = f"{type(error).__name__}: {error}"
            self._log.error("alert not spooled", kind=alert.kind, reason=reason)
            self._say(reason)
            self._keep_in_memory(alert)
        else:
            self._said = ""
        self._wake.set()

    def start(self) -> None:
        """Let this process send, be it only what others have reported."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
                self._thread.start()

    def started(self) -> None:
        """The service has started: failures to start are over. To be called before a fork."""
        self.resolve_at_once("startup")
        with self._lock:
            self._over.clear()  # else each worker that is forked later would take what fails then for over
        self._spool.close()

    def resolve(self, kind: Kind) -> None:
        """What had failed this way works: its incidents are over. Never raises; what cannot be noted is tried again."""
        with self._lock:
            self._over.add(kind)
        self._guard("resolve", self._resolve)
        self._wake.set()

    def resolve_at_once(self, kind: Kind) -> None:
        """The same where no thread tries it again: several attempts, each as long as the spool has patience."""
        for _ in range(ATTEMPTS):
            self._rests.pop("resolve", None)
            self.resolve(kind)
            if not self._over:
                break

    def settle(self, timeout: float) -> None:
        """Wait until what is due has been tried, by this process or another, for at most `timeout` seconds."""
        self.start()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and not self._settled():
            time.sleep(0.02)

    def close(self, timeout: float) -> None:
        """Send what is due, for at most `timeout` seconds; the rest stays in the spool."""
        self._stop.set()
        self._wake.set()
        if self._thread:
            self._thread.join(timeout)

    def counts(self) -> dict[str, int]:
        """Mails pending, sent and dead; nothing when the spool cannot be read."""
        try:
            return self._spool.counts()
        except SPOOL_TROUBLE:
            return {}

    def _say(self, reason: str) -> None:
        """Say it on the console, once until it changes: in a storm nobody must wait for who reads there."""
        if reason != self._said:
            self._said = reason
            with contextlib.suppress(OSError, ValueError):  # a console that is gone
                print(f"alerts are not spooled: {reason}", file=sys.stderr, flush=True)

    def _keep_in_memory(self, alert: Alert) -> None:
        try:
            self._memory.report(alert, self._clock())
            self._used_memory = True
        except SPOOL_TROUBLE as error:
            self._log.error("alert lost", kind=alert.kind, reason=str(error))

    def _settled(self) -> bool:
        try:
            if self._used_memory:
                with self._moving:
                    if not self._sender.settled(self._memory):
                        return False
            return self._sender.settled(self._spool)
        except SPOOL_TROUBLE:  # it may be busy with the very mail that is waited for
            return "spool" in self._troubles

    def _run(self) -> None:
        while not self._stop.is_set():
            self._turn()
            self._wake.wait(POLL)
            self._wake.clear()
        self._turn(last=True)
        self._leadership.leave()

    def _turn(self, last: bool = False) -> None:
        self._guard("resolve", self._resolve)
        self._guard("spool", lambda: self._lead(last))
        if self._used_memory:
            self._guard("memory", lambda: self._sender.turn(self._memory, last))

    def _resolve(self) -> None:
        """Tell the spools what is over; a kind that could not be told is told at the next turn."""
        with self._lock:
            kinds = tuple(self._over)
        for kind in kinds if self._used_memory else ():
            self._memory.resolve(kind)  # first, and all: it can be told whatever the file is like
        for kind in kinds:
            self._spool.resolve(kind)
            with self._lock:
                self._over.discard(kind)

    def _lead(self, last: bool) -> None:
        if self._used_memory:
            with self._moving:
                self._hand_over()
        if self._leadership.held():
            self._sender.turn(self._spool, last)

    def _hand_over(self) -> None:
        """What the spool was too busy for is told from there after all, so that a storm is one incident."""
        untold = self._memory.take_untold()
        while untold:
            try:
                self._spool.absorb(untold[-1])
            except SPOOL_TROUBLE:
                for incident in untold:
                    self._memory.absorb(incident)
                raise
            untold.pop()

    def _guard(self, name: str, action: Callable[[], object]) -> None:
        """Do it; what goes wrong is logged, once until it changes: this thread must not end."""
        if time.monotonic() < self._rests.get(name, 0) and not self._stop.is_set():
            return
        try:
            action()
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
            if trouble != self._troubles.get(name):
                self._log.exception("alert spool trouble", what=name, reason=trouble)
            self._troubles[name], self._rests[name] = trouble, time.monotonic() + REST
        else:
            self._troubles.pop(name, None)

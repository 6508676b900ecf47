"""Gunicorn's threaded worker, whose threads wait for requests themselves, and whose connections are shared fairly.

Gunicorn's main thread waits for requests, wakes a thread for each, and is woken by it to wait for the next one. Here
the threads lead and follow (`lead.py`), while the main thread accepts connections and ends those whose time is over.
And in a burst the first worker to wake took all connections, the others none; here it lets the others go first.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from .idle_connections import Connection, Waiting, new_calls
from .leader_lock import Lead, Threads

OTHERS_FIRST = 0.002  # seconds that a worker with a connection for each thread leaves new ones to the others
BRIEFLY = 0.0001  # the same for one that has fewer
ALIVE_EVERY = 0.5  # seconds between two signs of life; gunicorn's arbiter waits 30 for one
LOOK_EVERY = 1.0  # seconds after which a leader that nobody called looks whether the worker goes on


class Worker(ThreadWorker):  # type: ignore[misc]
    """A threaded worker whose threads lead and follow; a subclass names the `lead` that its application passes on."""

    lead = Lead()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.keepalived_conns = Waiting()
        self._called: deque[int] = deque()  # descriptors that have something to say; the leader's
        self._accept_after = 0.0
        self._notify_after = 0.0
        self._others_were_first = False

    def init_process(self) -> None:
        """Serve, until told to stop."""
        # As plain attributes: gunicorn looks settings up some thirty times a request, through __getattr__ each.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        self._calls = new_calls()
        super().init_process()

    def get_thread_pool(self) -> Threads:
        """The threads that answer."""
        return Threads(self.cfg.threads, self._follow)

    def run(self) -> None:
        """Accept connections, while the threads serve them."""
        self.tpool.start()
        super().run()

    def notify(self) -> None:
        """Tell the arbiter that this worker is alive; not at every event."""
        now = time.monotonic()
        if now >= self._notify_after:
            self._notify_after = now + ALIVE_EVERY
            super().notify()

    def accept(self, listener: Any) -> None:
        """Take new connections; who has some lets the other workers go first, then takes as many, or a handful."""
        if not self.nr_conns:
            self._accept(listener, 1)
        elif self.nr_conns < self.cfg.threads:
            time.sleep(BRIEFLY)
            self._accept(listener, self.nr_conns)
        elif self._others_were_first:
            self._accept(listener, self.cfg.threads)
        else:
            self._accept_after = time.monotonic() + OTHERS_FIRST
            self.set_accept_enabled(False)
        self._others_were_first = not self._accepting

    def _accept(self, listener: Any, most: int) -> None:
        for _ in range(most):
            try:
                accepted, address = listener.accept()
            except ConnectionAbortedError:  # the client has hung up
                continue
            except BlockingIOError:  # another worker was first
                return
            conn = TConn(self.cfg, Connection(accepted, self.lead), address, listener.getsockname())
            self.nr_conns += 1
            self._wait_for(conn, self._calls.watch)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Watch for new connections, or do not; not yet while the others go first."""
        if not enabled or time.monotonic() >= self._accept_after:
            super().set_accept_enabled(enabled)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, and no longer than the others go first."""
        pause = self._accept_after - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, pause) if pause > 0 else timeout)

    def _wait_for(self, conn: Any, watch: Callable[[int], None]) -> None:
        """Let a connection wait for its next request."""
        conn.set_timeout()
        descriptor = conn.sock.fileno()
        self.keepalived_conns.add(conn)  # before it can be called for
        if not self.alive:  # asked last: what waits when the worker is told to stop is given less time by that
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        try:
            watch(descriptor)
        except (OSError, ValueError):
            if self.keepalived_conns.claim(descriptor) is not None:
                raise  # else the main thread has ended it meanwhile

    def _follow(self) -> None:
        """What each thread does, for ever: follow, then lead until a request may take longer."""
        while True:
            self.lead.take()
            while self.lead.held:
                try:
                    conn = self._next()
                except OSError:
                    self.log.exception("cannot wait for requests")
                    self.alive = False  # gunicorn puts another worker in the place of this one
                    return
                if conn is not None:
                    self._serve(conn)

    def _next(self) -> Any | None:
        """A connection that has something to say, claimed; None when none has for a while. For the leader."""
        if not self._called:
            self._called.extend(self._calls.wait(LOOK_EVERY))
        conn = self.keepalived_conns.claim(self._called.popleft()) if self._called else None
        if conn is not None:
            conn.data_ready = True
        return conn

    def _serve(self, conn: Any) -> None:
        """Answer, and let the connection wait again; the main thread ends one that is not kept alive."""
        kept = graceful = False
        try:
            while (kept := self.handle(conn) is True) and conn.parser.unreader.buf.getvalue():
                self.lead.pass_on()  # its next request has come with this one: the other connections' turn
            if kept:
                self._wait_for(conn, self._calls.watch_again)
            graceful = True
        except BaseException:  # also what is meant to end a process: the thread goes on with the next connection
            kept = False
            self.log.exception("a connection is dropped")
        if not kept:
            self.method_queue.defer(self._end, conn, graceful)

    def _end(self, conn: Any, graceful: bool) -> None:
        """End a connection: a graceful end reads what its peer still sends. In the main thread."""
        self.nr_conns -= 1
        with contextlib.suppress(OSError):  # a refused request's is closed already
            conn.close(graceful=graceful)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether the connection can serve another request; what was left of a body is read for it."""
        body = conn.parser.mesg.body
        if keepalive and isinstance(body.reader, LengthReader) and body.reader.length == 0 and not body.failed:
            return True  # nothing was left: no time-out needs to be set
        self.lead.pass_on()
        return bool(super()._keepalive_after(conn, keepalive))

    def murder_keepalived(self, force: bool = False) -> None:
        """End the connections whose time is over, or all."""
        now = time.monotonic()
        for conn in self.keepalived_conns:
            if conn.timeout > now and not force:
                return
            if self.keepalived_conns.claim(conn.sock.fileno()) is None:
                continue  # its request has come just now
            if conn.timeout > now and not force:
                self.keepalived_conns.add(conn)  # its request has been answered just now
                continue
            self._calls.forget(conn.sock.fileno())
            self._end(conn, graceful=False)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self.keepalived_conns:
            conn.timeout = min(conn.timeout, deadline)

"""Gunicorn's threaded worker, with leader and follower threads, and with connections shared fairly between workers.

Gunicorn's main thread waits for requests, wakes a thread for each, and is woken by it to wait for the next one. Here
the leader thread waits for requests itself. The main thread accepts connections, and closes those that time out.
Gunicorn's first worker to wake accepts all connections of a burst. Here a busy worker delays accept().
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from .idle_connections import Connection, IdleConnections, build_poller
from .leader_lock import FollowerThreads, LeaderLock

FULL_DELAY = 0.002  # seconds by which a worker with a connection for each thread delays accept()
BUSY_DELAY = 0.0001  # the same for one that has fewer
HEARTBEAT_INTERVAL = 0.5  # seconds; gunicorn's arbiter waits 30 for a heartbeat
POLL_TIMEOUT = 1.0  # seconds after which a leader without requests checks whether the worker goes on


class LeaderFollowerWorker(ThreadWorker):  # type: ignore[misc]
    """A threaded worker whose threads lead in turn; a subclass sets the lock that its application releases."""

    leader_lock = LeaderLock()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.keepalived_conns = IdleConnections()
        self._ready: deque[int] = deque()  # descriptors that have bytes to read; the leader's
        self._accept_after = 0.0
        self._notify_after = 0.0
        self._has_delayed = False

    def init_process(self) -> None:
        """Serve until a signal to stop."""
        # As plain attributes: gunicorn looks settings up some thirty times a request, through __getattr__ each.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        self._poller = build_poller()
        super().init_process()

    def get_thread_pool(self) -> FollowerThreads:
        """Create the threads that answer."""
        return FollowerThreads(self.cfg.threads, self._follow)

    def run(self) -> None:
        """Accept connections, while the threads serve them."""
        self.tpool.start()
        super().run()

    def notify(self) -> None:
        """Send the arbiter a heartbeat; not at every event."""
        now = time.monotonic()
        if now >= self._notify_after:
            self._notify_after = now + HEARTBEAT_INTERVAL
            super().notify()

    def accept(self, listener: Any) -> None:
        """Accept new connections; a busy worker delays that, then accepts as many as it has, or one for each thread."""
        if not self.nr_conns:
            self._accept(listener, 1)
        elif self.nr_conns < self.cfg.threads:
            time.sleep(BUSY_DELAY)
            self._accept(listener, self.nr_conns)
        elif self._has_delayed:
            self._accept(listener, self.cfg.threads)
        else:
            self._accept_after = time.monotonic() + FULL_DELAY
            self.set_accept_enabled(False)
        self._has_delayed = not self._accepting

    def _accept(self, listener: Any, most: int) -> None:
        for _ in range(most):
            try:
                accepted, address = listener.accept()
            except ConnectionAbortedError:  # the client has closed it
                continue
            except BlockingIOError:  # another worker has accepted it
                return
            conn = TConn(self.cfg, Connection(accepted, self.leader_lock), address, listener.getsockname())
            self.nr_conns += 1
            self._add_idle(conn, self._poller.register)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Watch for new connections, or do not; not before the delay is over."""
        if not enabled or time.monotonic() >= self._accept_after:
            super().set_accept_enabled(enabled)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, and no longer than the delay of accept()."""
        pause = self._accept_after - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, pause) if pause > 0 else timeout)

    def _add_idle(self, conn: Any, watch: Callable[[int], None]) -> None:
        """Let a connection wait for its next request."""
        conn.set_timeout()
        descriptor = conn.sock.fileno()
        self.keepalived_conns.add(conn)  # before the poller can report it
        if not self.alive:  # after the add: a worker that stops shortens the timeout of its idle connections
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        try:
            watch(descriptor)
        except (OSError, ValueError):
            if self.keepalived_conns.claim(descriptor) is not None:
                raise  # else the main thread has closed it meanwhile

    def _follow(self) -> None:
        """Run a thread: follow, then lead until a request may take longer, and so on."""
        while True:
            self.leader_lock.acquire()
            while self.leader_lock.is_held:
                try:
                    conn = self._find_ready()
                except OSError:
                    self.log.exception("cannot wait for requests")
                    self.alive = False  # gunicorn replaces this worker
                    return
                if conn is not None:
                    self._serve(conn)

    def _find_ready(self) -> Any | None:
        """Claim a connection that has bytes to read; return None when none has for a while. For the leader."""
        if not self._ready:
            self._ready.extend(self._poller.poll(POLL_TIMEOUT))
        conn = self.keepalived_conns.claim(self._ready.popleft()) if self._ready else None
        if conn is not None:
            conn.data_ready = True
        return conn

    def _serve(self, conn: Any) -> None:
        """Answer a request, and keep the connection alive or let the main thread close it."""
        is_kept = is_graceful = False
        try:
            while (is_kept := self.handle(conn) is True) and conn.parser.unreader.buf.getvalue():
                self.leader_lock.release()  # a pipelined request: other connections come first
            if is_kept:
                self._add_idle(conn, self._poller.rearm)
            is_graceful = True
        except BaseException:  # even one that should end a process: the thread goes on with the next connection
            is_kept = False
            self.log.exception("a connection is dropped")
        if not is_kept:
            self.method_queue.defer(self._close, conn, is_graceful)

    def _close(self, conn: Any, graceful: bool) -> None:
        """Close a connection; a graceful close reads the bytes that its peer still sends. In the main thread."""
        self.nr_conns -= 1
        with contextlib.suppress(OSError):  # that of a rejected request is closed already
            conn.close(graceful=graceful)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Return whether the connection can serve another request, after the rest of the body is read."""
        body = conn.parser.mesg.body
        if keepalive and isinstance(body.reader, LengthReader) and body.reader.length == 0 and not body.failed:
            return True  # no rest: no timeout needs to be set
        self.leader_lock.release()
        return bool(super()._keepalive_after(conn, keepalive))

    def murder_keepalived(self, force: bool = False) -> None:
        """Close the connections that have timed out, or all."""
        now = time.monotonic()
        for conn in self.keepalived_conns:
            if conn.timeout > now and not force:
                return
            if self.keepalived_conns.claim(conn.sock.fileno()) is None:
                continue  # its request has just arrived
            if conn.timeout > now and not force:
                self.keepalived_conns.add(conn)  # its request has just been answered
                continue
            self._poller.unregister(conn.sock.fileno())
            self._close(conn, graceful=False)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self.keepalived_conns:
            conn.timeout = min(conn.timeout, deadline)

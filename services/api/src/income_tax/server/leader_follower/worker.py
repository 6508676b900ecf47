"""A variant of gunicorn's threaded worker. It uses leader/follower threads and distributes connections fairly.

In gunicorn's worker, the main thread waits for requests and passes each request to another thread. In this variant, the
leader thread waits for a request and answers it. The main thread only accepts connections and closes timed-out
connections.

In gunicorn, the first worker that wakes up accepts all connections of a burst. In this variant, a busy worker delays
accept(), so that other workers can accept connections.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.workers.gthread import DEFAULT_WORKER_DATA_TIMEOUT, STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from .idle_connections import Connection, IdleConnections, build_poller
from .leader_lock import FollowerThreads, LeaderLock

FULL_DELAY = 0.002  # seconds; accept() delay of a worker that has at least as many connections as threads
BUSY_DELAY = 0.0001  # seconds; accept() delay of a worker that has fewer connections than threads, but at least one
HEARTBEAT_INTERVAL = 0.5  # seconds; gunicorn's arbiter kills a worker after 30 seconds without a heartbeat
POLL_TIMEOUT = 1.0  # maximum seconds that a leader waits for requests in one poll


class LeaderFollowerWorker(ThreadWorker):  # type: ignore[misc]
    """A threaded worker whose threads take turns as leader. A subclass sets `leader_lock`."""

    leader_lock = LeaderLock()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.keepalived_conns = IdleConnections()
        self._ready: deque[int] = deque()  # descriptors of readable connections; only the leader uses this queue
        self._accept_after = 0.0
        self._notify_after = 0.0
        self._has_delayed = False

    def init_process(self) -> None:
        """Initialize the worker process. Then serve requests until a stop signal arrives."""
        # Store gunicorn's settings as plain attributes, which are faster than __getattr__. Gunicorn reads about thirty
        # settings per request.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        self._poller = build_poller()
        super().init_process()

    def get_thread_pool(self) -> FollowerThreads:
        """Create the threads that answer requests."""
        return FollowerThreads(self.cfg.threads, self._follow)

    def run(self) -> None:
        """Start the threads. Then accept connections until the worker stops."""
        self.tpool.start()
        super().run()

    def notify(self) -> None:
        """Send the arbiter a heartbeat, at most once per HEARTBEAT_INTERVAL."""
        now = time.monotonic()
        if now >= self._notify_after:
            self._notify_after = now + HEARTBEAT_INTERVAL
            super().notify()

    def accept(self, listener: Any) -> None:
        """Accept new connections.

        A worker without connections accepts one connection immediately. A worker that has connections waits first. The
        maximum number of connections that it then accepts is the number of its connections or the number of its
        threads, whichever is lower.
        """
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
            except ConnectionAbortedError:  # the client has closed the connection
                continue
            except BlockingIOError:  # another worker has accepted the connection
                return
            conn = TConn(self.cfg, Connection(accepted, self.leader_lock), address, listener.getsockname())
            self.nr_conns += 1
            self._add_idle(conn, self._poller.register)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Enable or disable accept(). During the accept() delay, ignore calls that would enable accept()."""
        if not enabled or time.monotonic() >= self._accept_after:
            super().set_accept_enabled(enabled)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events until the timeout or the end of the accept() delay."""
        pause = self._accept_after - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, pause) if pause > 0 else timeout)

    def _add_idle(self, conn: Any, watch: Callable[[int], None]) -> None:
        """Add a connection to the idle connections, and watch for its next request."""
        conn.set_timeout()
        descriptor = conn.sock.fileno()
        self.keepalived_conns.add(conn)  # add first, because the poller can report a watched connection immediately
        # A stopping worker shortens the timeouts of all idle connections once. It might miss this connection, so
        # shorten this timeout too.
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        try:
            watch(descriptor)
        except (OSError, ValueError):
            # If the claim fails, the main thread has closed the connection, so the error is ignored.
            if self.keepalived_conns.claim(descriptor) is not None:
                raise

    def _follow(self) -> None:
        """Wait for leadership, then serve requests until this thread releases leadership. Repeat forever."""
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
        """Claim a readable connection. Return None if no connection is readable. Only the leader calls this method."""
        if not self._ready:
            self._ready.extend(self._poller.poll(POLL_TIMEOUT))
        conn = self.keepalived_conns.claim(self._ready.popleft()) if self._ready else None
        if conn is not None:
            conn.data_ready = True
        return conn

    def _serve(self, conn: Any) -> None:
        """Answer a connection's requests. Keep the connection for later requests, or let the main thread close it."""
        is_kept = is_graceful = False
        try:
            while (is_kept := self.handle(conn) is True) and conn.parser.unreader.buf.getvalue():
                self.leader_lock.release()  # so that other connections need not wait for the pipelined requests
            if is_kept:
                self._add_idle(conn, self._poller.rearm)
            is_graceful = True
        except BaseException:  # catch even SystemExit, so that the thread continues
            is_kept = False
            self.log.exception("a connection is dropped")
        if not is_kept:
            self.method_queue.defer(self._close, conn, is_graceful)

    def _close(self, conn: Any, graceful: bool) -> None:
        """Close a connection in the main thread. A graceful close first reads the remaining bytes from the peer."""
        self.nr_conns -= 1
        with contextlib.suppress(OSError):  # handle_error has already closed the connection of a rejected request
            conn.close(graceful=graceful)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Read the rest of the body, and return whether the connection can serve another request."""
        body = conn.parser.mesg.body
        if keepalive and isinstance(body.reader, LengthReader) and body.reader.length == 0 and not body.failed:
            return True  # the application has read the whole body
        self.leader_lock.release()
        conn.sock.read_deadline = time.monotonic() + DEFAULT_WORKER_DATA_TIMEOUT
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        finally:
            conn.sock.read_deadline = None

    def murder_keepalived(self, force: bool = False) -> None:
        """Close the timed-out idle connections. With `force`, close all idle connections."""
        now = time.monotonic()
        for conn in self.keepalived_conns:
            if conn.timeout > now and not force:
                return
            if self.keepalived_conns.claim(conn.sock.fileno()) is None:
                continue  # a request has just arrived, and the leader has claimed the connection
            if conn.timeout > now and not force:
                self.keepalived_conns.add(conn)  # the leader has just answered a request and set a new timeout
                continue
            self._poller.unregister(conn.sock.fileno())
            self._close(conn, graceful=False)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self.keepalived_conns:
            conn.timeout = min(conn.timeout, deadline)

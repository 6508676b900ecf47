"""The sockets, idle connections and pollers of a worker. A socket releases the leader lock before it blocks."""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from .leader_lock import LeaderLock


class Connection(socket.socket):
    """An accepted connection. Before a thread waits for the peer, the connection releases the leader lock.

    If a new timeout equals the current timeout, `settimeout` makes no system call. Gunicorn sets the timeout five times
    per request, and each system call can cause a switch to another thread.
    """

    # The value of time.monotonic() at which `recv` raises TimeoutError, or None. The timeout of a socket limits only
    # one system call, but gunicorn repeats this call until it has a block of bytes.
    read_deadline: float | None = None

    def __init__(self, accepted: socket.socket, lock: LeaderLock) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._lock = lock

    def settimeout(self, value: float | None) -> None:
        """Set the timeout in seconds. With 0, calls do not block. With None, calls have no timeout."""
        if value != self.gettimeout():
            super().settimeout(value)

    def setblocking(self, flag: bool) -> None:
        """Select blocking mode without a timeout if `flag` is true, or else non-blocking mode."""
        self.settimeout(None if flag else 0.0)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive bytes. If no bytes have arrived yet, release the leader lock before waiting."""
        if self.read_deadline is not None:
            left = self.read_deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the body did not arrive in time")
            self.settimeout(min(left, self.gettimeout() or left))
        if self._lock.is_held:
            try:
                return super().recv(size, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._lock.release()
        return super().recv(size, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all bytes. If the socket's buffer is full, release the leader lock before waiting."""
        if self._lock.is_held:
            try:
                sent = super().send(data, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return
            self._lock.release()
            data = memoryview(data)[sent:]
        super().sendall(data, flags)


class NullConnection:
    """A placeholder that never times out. Gunicorn reads it as the first idle connection if no connection is idle."""

    timeout = float("inf")


class IdleConnections:
    """Connections (gunicorn's TConn) that wait for a request. The object is thread-safe.

    The first connection has been idle for the longest time. The thread that claims a connection owns the connection.
    The leader claims a connection to answer a request. The main thread claims a timed-out connection to close it.
    Gunicorn itself reads only the number of connections and the timeout of the first connection.
    """

    def __init__(self) -> None:
        self._by_descriptor = dict[int, Any]()  # needs no lock, because CPython's dict operations are atomic

    def add(self, conn: Any) -> None:
        """Add a connection."""
        self._by_descriptor[conn.sock.fileno()] = conn

    def claim(self, descriptor: int) -> Any | None:
        """Remove and return the connection, or return None if another thread has claimed the connection."""
        return self._by_descriptor.pop(descriptor, None)

    def __len__(self) -> int:
        return len(self._by_descriptor)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._by_descriptor.values()))

    def __getitem__(self, index: int) -> Any:
        connections = list(self._by_descriptor.values())
        return connections[index] if index < len(connections) else NullConnection


class ReadinessPoller:
    """Polls idle connections for readable bytes. `poll` reports a connection again only after a call of `rearm`.

    All methods except `poll` are thread-safe.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def register(self, descriptor: int) -> None:
        """Watch a new connection until `poll` reports the connection."""
        self._epoll.register(descriptor, select.EPOLLIN | select.EPOLLONESHOT)

    def rearm(self, descriptor: int) -> None:
        """Resume watching a connection that `poll` has reported."""
        self._epoll.modify(descriptor, select.EPOLLIN | select.EPOLLONESHOT)

    def unregister(self, descriptor: int) -> None:
        """Do nothing, because epoll removes closed connections itself."""

    def poll(self, seconds: float) -> list[int]:
        """Wait up to `seconds` seconds, and return the descriptors that have bytes to read."""
        return [descriptor for descriptor, _ in self._epoll.poll(seconds)]


class SelectorPoller(ReadinessPoller):
    """A poller that does not use epoll. It allows development on systems other than Linux."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()

    def register(self, descriptor: int) -> None:
        """Watch a connection until `poll` reports the connection."""
        with self._lock:
            self._selector.register(descriptor, selectors.EVENT_READ)

    rearm = register

    def unregister(self, descriptor: int) -> None:
        """Stop watching a connection that is about to be closed."""
        with self._lock, contextlib.suppress(KeyError):
            self._selector.unregister(descriptor)

    def poll(self, seconds: float) -> list[int]:
        """Wait up to `seconds` seconds, and return the descriptors that have bytes to read."""
        descriptors = [key.fd for key, _ in self._selector.select(seconds)]
        with self._lock:
            for descriptor in descriptors:
                with contextlib.suppress(KeyError):  # another thread has unregistered the connection
                    self._selector.unregister(descriptor)
        return descriptors


def build_poller() -> ReadinessPoller:
    """Build an epoll poller if the system supports epoll. Otherwise build a selector poller."""
    return ReadinessPoller() if hasattr(select, "epoll") else SelectorPoller()

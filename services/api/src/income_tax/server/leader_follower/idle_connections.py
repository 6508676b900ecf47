"""Connections of a worker: sockets that never block the leader, and the idle ones that wait for a request."""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import threading
from collections.abc import Iterator
from typing import Any

from .leader_lock import LeaderLock


class Connection(socket.socket):
    """An accepted connection. A thread that has to wait for the peer releases the leader lock first.

    A timeout that does not change costs no system call: gunicorn sets it five times a request, and each system call of
    a thread lets another thread run.
    """

    def __init__(self, accepted: socket.socket, lock: LeaderLock) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._lock = lock

    def settimeout(self, value: float | None) -> None:
        """Set the seconds that a call may take; 0 never blocks, None waits without end."""
        if value != self.gettimeout():
            super().settimeout(value)

    def setblocking(self, flag: bool) -> None:
        """Wait without end, or never block."""
        self.settimeout(None if flag else 0.0)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive bytes, without the leader lock if they have not arrived yet."""
        if self._lock.is_held:
            try:
                return super().recv(size, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._lock.release()
        return super().recv(size, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of the bytes, without the leader lock if the peer does not read them."""
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
    """Stands for the first idle connection where there is none: it never times out."""

    timeout = float("inf")


class IdleConnections:
    """Connections (gunicorn's TConn) that wait for a request, the longest-waiting one first. Safe for threads.

    The thread that claims a connection owns it: a leader that answers it, or the main thread that closes it after its
    timeout. Gunicorn reads the first one's timeout and the number of all.
    """

    def __init__(self) -> None:
        self._by_descriptor = dict[int, Any]()  # each operation on it is atomic in the interpreter

    def add(self, conn: Any) -> None:
        """Add a connection."""
        self._by_descriptor[conn.sock.fileno()] = conn

    def claim(self, descriptor: int) -> Any | None:
        """Remove and return the connection; None when another thread has claimed it."""
        return self._by_descriptor.pop(descriptor, None)

    def __len__(self) -> int:
        return len(self._by_descriptor)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._by_descriptor.values()))

    def __getitem__(self, index: int) -> Any:
        connections = list(self._by_descriptor.values())
        return connections[index] if index < len(connections) else NullConnection


class ReadinessPoller:
    """Polls idle connections for bytes to read; reports each once. Safe for threads, except `poll`."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def register(self, descriptor: int) -> None:
        """Report a new connection once."""
        self._epoll.register(descriptor, select.EPOLLIN | select.EPOLLONESHOT)

    def rearm(self, descriptor: int) -> None:
        """Report once more a connection that was reported."""
        self._epoll.modify(descriptor, select.EPOLLIN | select.EPOLLONESHOT)

    def unregister(self, descriptor: int) -> None:
        """Do nothing: epoll itself drops a connection that is closed."""

    def poll(self, seconds: float) -> list[int]:
        """Return the descriptors that have bytes to read, within so many seconds."""
        return [descriptor for descriptor, _ in self._epoll.poll(seconds)]


class SelectorPoller(ReadinessPoller):
    """The same without Linux's epoll, for development on other systems."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()

    def register(self, descriptor: int) -> None:
        """Report a connection once."""
        with self._lock:
            self._selector.register(descriptor, selectors.EVENT_READ)

    rearm = register

    def unregister(self, descriptor: int) -> None:
        """Drop a connection before it is closed."""
        with self._lock, contextlib.suppress(KeyError):
            self._selector.unregister(descriptor)

    def poll(self, seconds: float) -> list[int]:
        """Return the descriptors that have bytes to read, within so many seconds."""
        descriptors = [key.fd for key, _ in self._selector.select(seconds)]
        with self._lock:
            for descriptor in descriptors:
                with contextlib.suppress(KeyError):  # unregistered meanwhile
                    self._selector.unregister(descriptor)
        return descriptors


def build_poller() -> ReadinessPoller:
    """Build the poller of this system."""
    return ReadinessPoller() if hasattr(select, "epoll") else SelectorPoller()

"""The connections of a worker: sockets that never keep the leader waiting, and those that wait for a request."""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import threading
from collections.abc import Iterator
from typing import Any

from .leader_lock import Lead


class Connection(socket.socket):
    """An accepted connection. Whoever has to wait for its peer passes the lead on first.

    Its time-out is set only when it changes: gunicorn says it five times a request, and each system call of a thread
    gives the interpreter to another.
    """

    def __init__(self, accepted: socket.socket, lead: Lead) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._lead = lead

    def settimeout(self, value: float | None) -> None:
        """Seconds that a call may take; 0 is not to wait at all, None for ever."""
        if value != self.gettimeout():
            super().settimeout(value)

    def setblocking(self, flag: bool) -> None:
        """Wait for ever, or not at all."""
        self.settimeout(None if flag else 0.0)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What has come, or comes."""
        if self._lead.held:
            try:
                return super().recv(size, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._lead.pass_on()
        return super().recv(size, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of the bytes."""
        if self._lead.held:
            try:
                sent = super().send(data, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return
            self._lead.pass_on()
            data = memoryview(data)[sent:]
        super().sendall(data, flags)


class Nobody:
    """Stands for a connection where there is none: its time is never over."""

    timeout = float("inf")


class Waiting:
    """Connections (gunicorn's TConn) that wait for a request, the one that has waited longest first. Safe for threads.

    A connection is that of the thread which claims it: one that answers it, or the main thread, which ends it when its
    time is over. Gunicorn knows the first one's time-out and the number of all.
    """

    def __init__(self) -> None:
        self._of = dict[int, Any]()  # by descriptor; each operation on it is one of the interpreter's

    def add(self, conn: Any) -> None:
        """Let it wait."""
        self._of[conn.sock.fileno()] = conn

    def claim(self, descriptor: int) -> Any | None:
        """The connection, which waits no longer; None when it was claimed before."""
        return self._of.pop(descriptor, None)

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._of.values()))

    def __getitem__(self, place: int) -> Any:
        known = list(self._of.values())
        return known[place] if place < len(known) else Nobody


class Calls:
    """Tells which of the waiting connections have something to say, each once. Safe for threads, but for `wait`."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def watch(self, descriptor: int) -> None:
        """A new connection is to be told of, once."""
        self._epoll.register(descriptor, select.EPOLLIN | select.EPOLLONESHOT)

    def watch_again(self, descriptor: int) -> None:
        """A connection that was told of is to be told of again, once."""
        self._epoll.modify(descriptor, select.EPOLLIN | select.EPOLLONESHOT)

    def forget(self, descriptor: int) -> None:
        """A connection is about to be closed before it was told of; epoll sees that by itself."""

    def wait(self, seconds: float) -> list[int]:
        """The descriptors that have something to say, within so many seconds."""
        return [descriptor for descriptor, _ in self._epoll.poll(seconds)]


class PortableCalls(Calls):
    """The same without Linux's epoll, for development on other systems."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()

    def watch(self, descriptor: int) -> None:
        """A connection is to be told of, once."""
        with self._lock:
            self._selector.register(descriptor, selectors.EVENT_READ)

    watch_again = watch

    def forget(self, descriptor: int) -> None:
        """A connection is about to be closed before it was told of."""
        with self._lock, contextlib.suppress(KeyError):
            self._selector.unregister(descriptor)

    def wait(self, seconds: float) -> list[int]:
        """The descriptors that have something to say, within so many seconds."""
        descriptors = [key.fd for key, _ in self._selector.select(seconds)]
        with self._lock:
            for descriptor in descriptors:
                with contextlib.suppress(KeyError):  # forgotten meanwhile
                    self._selector.unregister(descriptor)
        return descriptors


def new_calls() -> Calls:
    """What this system has."""
    return Calls() if hasattr(select, "epoll") else PortableCalls()

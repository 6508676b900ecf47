"""What lets libcurl's transfers go on: two ways, each the faster one where it is used."""

import select
import time
from contextlib import suppress
from typing import Any, Protocol

import pycurl

from .arrivals import NEVER

FEW = 64  # connections: with so many a look at all costs less than the care for those that have something to say
NOTHING = pycurl.POLL_NONE
EVENTS = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


class Driver(Protocol):
    """Drives the transfers of one `multi`, and watches one more descriptor, `other`."""

    multi: pycurl.CurlMulti

    def due(self, now: float) -> float:
        """When libcurl wants to be called even if no connection has anything to say."""

    def serve(self, seconds: float) -> bool:
        """Let libcurl read and write what is ready within so many seconds; whether `other` is readable."""


def driver(connections: int, other: int) -> Driver:
    """The better driver for so many connections."""
    return LookAtAll(other) if connections <= FEW else LookAtReady(other)


class LookAtAll:
    """libcurl looks at all connections, again and again."""

    def __init__(self, other: int) -> None:
        self.multi, self._other = pycurl.CurlMulti(), other

    def due(self, now: float) -> float:
        """When a time-out is over; at once for a new transfer."""
        milliseconds = self.multi.timeout()
        return NEVER if milliseconds < 0 else now + milliseconds / 1000

    def serve(self, seconds: float) -> bool:
        """Let libcurl read and write what is ready within so many seconds; whether `other` is readable."""
        readable, writable, failing = self.multi.fdset() if seconds > 0 else ([], [], [])
        ready, _, _ = select.select([*readable, self._other], writable, failing, seconds)
        self.multi.perform()
        return self._other in ready


class LookAtReady:
    """An epoll tells which connections have something to say, however many there are.

    The descriptors of kept connections stay in it from one transfer to the next, to save calls. One that is closed
    leaves it by itself, and its number may be another's by then.
    """

    def __init__(self, other: int) -> None:
        self.multi, self._other, self._epoll = pycurl.CurlMulti(), other, select.epoll()
        self._epoll.register(other, select.EPOLLIN)
        self._wanted = dict[int, int]()  # what libcurl wants to know of each descriptor; NOTHING: it rests
        self._timer = NEVER
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    def due(self, now: float) -> float:  # noqa: ARG002 - libcurl said it before
        """When a time-out is over; at once for a new transfer."""
        return self._timer

    def serve(self, seconds: float) -> bool:
        """Let libcurl read and write what is ready within so many seconds; whether `other` is readable."""
        if self._timer <= time.perf_counter():
            self._timer = NEVER
            self.multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        if seconds > 0:  # not in epoll, which sleeps whole milliseconds
            select.select([self._epoll], [], [], seconds)
        found = False
        for fd, events in self._epoll.poll(0):
            if fd == self._other:
                found = True
            elif self._wanted[fd] == NOTHING:  # the server hangs up on a connection that is not used
                del self._wanted[fd]
                with suppress(OSError):  # libcurl has closed it, in this very round
                    self._epoll.unregister(fd)
            else:
                readable = pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0
                self.multi.socket_action(fd, readable | (pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0))
        return found

    def _watch(self, what: int, fd: int, _multi: Any, _data: Any) -> None:
        """What libcurl calls when it wants to know something else of a descriptor."""
        if what == pycurl.POLL_REMOVE:
            self._wanted[fd] = NOTHING
            return
        try:
            if fd in self._wanted:
                self._epoll.modify(fd, EVENTS[what])
            else:
                self._epoll.register(fd, EVENTS[what])
        except FileNotFoundError:  # the number is that of another descriptor now
            self._epoll.register(fd, EVENTS[what])
        self._wanted[fd] = what

    def _set_timer(self, milliseconds: int) -> None:
        """What libcurl calls to be called back after so many milliseconds: mostly at once, or never."""
        if milliseconds > 0:
            self._timer = time.perf_counter() + milliseconds / 1000
        else:
            self._timer = NEVER if milliseconds < 0 else 0.0

"""Event loops for libcurl transfers. SelectLoop is for few connections, and EpollLoop is for many."""

import select
import time
from contextlib import suppress
from typing import Any, Protocol

import pycurl

from .arrival_schedule import NEVER

SELECT_MAX = 64  # maximum number of connections for which select is faster than epoll
IDLE = pycurl.POLL_NONE
EVENTS = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


class EventLoop(Protocol):
    """Drives the transfers of one `multi` handle, and watches another file descriptor, `other`."""

    multi: pycurl.CurlMulti

    def find_timeout(self, now: float) -> float:
        """Return the time at which `run_once` must be called even without network traffic."""

    def run_once(self, seconds: float) -> bool:
        """Wait up to `seconds` for traffic, and let libcurl handle the traffic. Return whether `other` is readable."""


def build_event_loop(connections: int, other: int) -> EventLoop:
    """Build the event loop that is faster for this number of connections."""
    return SelectLoop(other) if connections <= SELECT_MAX else EpollLoop(other)


class SelectLoop:
    """An event loop that uses select, which checks all connections in each round."""

    def __init__(self, other: int) -> None:
        self.multi, self._other = pycurl.CurlMulti(), other

    def find_timeout(self, now: float) -> float:
        """Return the time of libcurl's next timeout. A new transfer starts with a timeout that is due immediately."""
        milliseconds = self.multi.timeout()
        return NEVER if milliseconds < 0 else now + milliseconds / 1000

    def run_once(self, seconds: float) -> bool:
        """Wait up to `seconds` for traffic, and let libcurl handle the traffic. Return whether `other` is readable."""
        readable, writable, failing = self.multi.fdset() if seconds > 0 else ([], [], [])
        ready, _, _ = select.select([*readable, self._other], writable, failing, seconds)
        self.multi.perform()
        return self._other in ready


class EpollLoop:
    """An event loop that uses epoll, which reports only connections with traffic. Idle connections cost no time.

    Descriptors of kept-alive connections stay registered between transfers, which saves system calls. The kernel
    unregisters a closed descriptor. A new descriptor can then get the same number, and `_watch` registers it again.
    """

    def __init__(self, other: int) -> None:
        self.multi, self._other, self._epoll = pycurl.CurlMulti(), other, select.epoll()
        self._epoll.register(other, select.EPOLLIN)
        self._watched = dict[int, int]()  # maps each descriptor to the events that libcurl waits for, or to IDLE
        self._timer = NEVER
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    def find_timeout(self, now: float) -> float:  # noqa: ARG002 - libcurl has already set the timer
        """Return the time of libcurl's next timeout. A new transfer starts with a timeout that is due immediately."""
        return self._timer

    def run_once(self, seconds: float) -> bool:
        """Wait up to `seconds` for traffic, and let libcurl handle the traffic. Return whether `other` is readable."""
        if self._timer <= time.perf_counter():
            self._timer = NEVER
            self.multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        if seconds > 0:  # waits with select(), because epoll.poll() rounds the time to milliseconds
            select.select([self._epoll], [], [], seconds)
        is_readable = False
        for fd, events in self._epoll.poll(0):
            if fd == self._other:
                is_readable = True
            elif self._watched[fd] == IDLE:  # the server has closed an idle connection
                del self._watched[fd]
                with suppress(OSError):  # libcurl might have closed the descriptor in this round
                    self._epoll.unregister(fd)
            else:
                readable = pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0
                self.multi.socket_action(fd, readable | (pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0))
        return is_readable

    def _watch(self, events: int, fd: int, _multi: Any, _data: Any) -> None:
        """Change the watched events of a descriptor. This is libcurl's M_SOCKETFUNCTION callback."""
        if events == pycurl.POLL_REMOVE:
            self._watched[fd] = IDLE
            return
        try:
            if fd in self._watched:
                self._epoll.modify(fd, EVENTS[events])
            else:
                self._epoll.register(fd, EVENTS[events])
        except FileNotFoundError:  # the kernel has unregistered a closed descriptor with the same number
            self._epoll.register(fd, EVENTS[events])
        self._watched[fd] = events

    def _set_timer(self, milliseconds: int) -> None:
        """Set the next timeout. A negative value removes the timeout. This is libcurl's M_TIMERFUNCTION callback."""
        if milliseconds > 0:
            self._timer = time.perf_counter() + milliseconds / 1000
        else:
            self._timer = NEVER if milliseconds < 0 else 0.0

"""The engine on libcurl: one process, one thread, kept-alive connections."""

import heapq
import time

import pycurl

from tax_client.runtime import GRACE_SECONDS

from .arrivals import NEVER, Pace
from .channel import Parent
from .curl_connection import Wire, why
from .event_loops import Driver, driver
from .plan import Share
from .request_recorder import Account
from .target import Target
from .workload import Workload

OK = 200


class CurlEngine:
    """Sends the requests of one process."""

    def __init__(self, target: Target, workload: Workload, share: Share, account: Account) -> None:
        self._target, self._account, self._share = target, account, share
        self._urls = [f"{target.address}?{query}" for query in workload.queries]
        self._bodies = workload.bodies
        self._clock = time.perf_counter
        self._idle: list[Wire] = []
        self._later: list[tuple[float, int, Wire, bool]] = []  # a heap: when, the wire, whether to send it again
        self._flying = self._waiting = self._order = 0

    def run(self, begin: float, parent: Parent) -> None:
        """Send them all, telling the parent what came of them, until it asks to stop."""
        pace, deadline, starts = self._share.pace(begin), NEVER, self._share.starts(begin)
        drive = driver(len(starts), parent.fileno())
        drive.multi.setopt(pycurl.M_MAXCONNECTS, len(starts))
        for start in starts:
            self._put_off(start, Wire(self._target, bool(self._bodies)), again=False)
        while True:
            now = self._clock()
            self._begin(now, pace, drive)
            if now >= parent.next_tell:
                parent.tell(self._account.news(), self._flying)
            if pace.is_over(now) and not self._flying and not self._waiting:
                break
            until = min(self._next(now, pace, drive), parent.next_tell, deadline)
            if drive.serve(max(0.0, until - self._clock())) and parent.wants_stop():
                self._account.stop(now)
                self._account.left_unsent(pace.stop(now))
                self._later.clear()
                self._waiting, deadline = 0, now + GRACE_SECONDS
            self._settle(drive)
            if now >= deadline:  # after a last look at what has come, however long this process had no processor
                break
        self._account.left_unsent(pace.stop(self._clock()))
        parent.tell(self._account.news(), self._flying)

    def _begin(self, now: float, pace: Pace, drive: Driver) -> None:
        """Start the transfers whose time has come."""
        while self._later and self._later[0][0] <= now:
            _, _, wire, again = heapq.heappop(self._later)
            if again:
                self._waiting -= 1
                self._account.send(wire.call, now)
                self._start(wire, drive)
            else:
                self._idle.append(wire)
        while self._idle and (ticket := pace.take(now)):
            wire = self._idle.pop()
            self._account.begin(wire.call, ticket, now)
            self._start(wire, drive)

    def _next(self, now: float, pace: Pace, drive: Driver) -> float:
        """When there will be something to do, if no connection has anything to say before."""
        due = drive.due(now)
        if self._later:
            due = min(due, self._later[0][0])
        return min(due, pace.next_due()) if self._idle else due

    def _start(self, wire: Wire, drive: Driver) -> None:
        entry = wire.call.entry
        if self._bodies:
            wire.prepare(None, self._bodies[entry])
        else:
            wire.prepare(self._urls[entry], None)
        drive.multi.add_handle(wire.curl)
        self._flying += 1

    def _settle(self, drive: Driver) -> None:
        """Settle the calls whose answers have come, or will not come."""
        _, done, failed = drive.multi.info_read()
        for curl in done:
            wire: Wire = curl.wire
            drive.multi.remove_handle(curl)
            status, seconds = curl.getinfo(pycurl.RESPONSE_CODE), curl.getinfo(pycurl.TOTAL_TIME)
            asked = curl.getinfo(pycurl.RETRY_AFTER) if status != OK else 0  # seconds, also where it is a date
            self._free(wire, self._account.answered(wire.call, status, wire.body(), seconds, asked))
        for curl, number, text in failed:
            wire = curl.wire
            drive.multi.remove_handle(curl)
            wire.body()
            kind, message = why(self._target, number, text, curl.getinfo(pycurl.OS_ERRNO))
            self._free(wire, self._account.failed(wire.call, kind, message, curl.getinfo(pycurl.TOTAL_TIME)))

    def _free(self, wire: Wire, delay: float | None) -> None:
        self._flying -= 1
        if delay is None:
            self._idle.append(wire)
        else:
            self._put_off(self._clock() + delay, wire, again=True)

    def _put_off(self, until: float, wire: Wire, again: bool) -> None:
        self._order += 1
        self._waiting += again
        heapq.heappush(self._later, (until, self._order, wire, again))

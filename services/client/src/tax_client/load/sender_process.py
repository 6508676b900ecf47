"""The sender process, which sends its share of the requests. It uses libcurl in one thread."""

import gc
import heapq
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import pycurl

from tax_client.client_log import build_format
from tax_client.interruption import GRACE_SECONDS
from tax_client.settings import Settings
from tax_common.logs import LogFile, build_request_logger

from .arrival_schedule import NEVER, Arrivals
from .curl_connection import CurlConnection, Target, describe_failure
from .event_loops import EventLoop, build_event_loop
from .load_plan import Share
from .outcome_counters import CoordinatorPipe
from .request_recorder import RequestRecorder
from .workload import Workload

OK = 200


@dataclass(frozen=True, slots=True)
class SenderConfig:
    """The configuration that all senders of a run share."""

    target: Target
    workload: Workload
    settings: Settings
    log_each: bool  # True logs every outcome; False logs only wrong answers and failures


def run_sender(share: Share, config: SenderConfig, pipe: Connection, inherited: Iterable[Connection]) -> None:
    """Send the requests of a share. This is the main function of a sender process.

    The coordinator sends the start time through `pipe`. `inherited` contains copies of the coordinator's pipe ends.
    The fork has created these copies.
    """
    gc.freeze()
    gc.disable()  # saves a tenth of the CPU time, and a sender creates no reference cycles
    for other in inherited:  # open copies would keep the pipes open after the coordinator exits
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C also reaches the coordinator, which then stops the senders
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    plan, log = share.plan, LogFile(config.settings.log_file)
    write = build_request_logger(log.write, build_format(config.settings))
    try:
        begin: float = pipe.recv()
        window = plan.build_window(begin)
        recorder = RequestRecorder(config.workload, write, config.log_each, plan.retries, window, plan.is_open)
        CurlSender(config.target, config.workload, share, recorder).run(begin, CoordinatorPipe(pipe, begin, log))
    except (EOFError, BrokenPipeError, ConnectionResetError):  # the coordinator has exited
        os._exit(1)


class CurlSender:
    """Sends the requests of one process, and reports their counts."""

    def __init__(self, target: Target, workload: Workload, share: Share, recorder: RequestRecorder) -> None:
        self._target, self._recorder, self._share = target, recorder, share
        self._urls = [f"{target.address}?{query}" for query in workload.queries]
        self._bodies = workload.bodies
        self._clock = time.perf_counter
        self._idle: list[CurlConnection] = []
        self._delayed: list[tuple[float, int, CurlConnection, bool]] = []  # heap: time, order, connection, is_retry
        self._in_flight = self._retries_waiting = self._order = 0

    def run(self, begin: float, pipe: CoordinatorPipe) -> None:
        """Send all requests and report their counts. End early if the coordinator stops the run."""
        arrivals, deadline, starts = self._share.build_arrivals(begin), NEVER, self._share.compute_start_times(begin)
        loop = build_event_loop(len(starts), pipe.fileno())
        loop.multi.setopt(pycurl.M_MAXCONNECTS, len(starts))
        for start in starts:
            self._delay(start, CurlConnection(self._target, bool(self._bodies)), is_retry=False)
        while True:
            now = self._clock()
            self._start_due(now, arrivals, loop)
            if now >= pipe.next_report:
                pipe.report(self._recorder.take_counters(), self._in_flight)
            if arrivals.is_over(now) and not self._in_flight and not self._retries_waiting:
                break
            until = min(self._find_next_event(now, arrivals, loop), pipe.next_report, deadline)
            if loop.run_once(max(0.0, until - self._clock())) and pipe.is_stop_requested():
                self._stop(now, arrivals)
                deadline = now + GRACE_SECONDS
            self._settle_finished(loop)
            if now >= deadline:  # checked last, to record transfers that finished before a suspension of the machine
                break
        self._recorder.record_unsent(arrivals.stop(self._clock()))
        pipe.report(self._recorder.take_counters(), self._in_flight)

    def _start_due(self, now: float, arrivals: Arrivals, loop: EventLoop) -> None:
        """Start the transfers that are due."""
        while self._delayed and self._delayed[0][0] <= now:
            _, _, connection, is_retry = heapq.heappop(self._delayed)
            if is_retry:
                self._retries_waiting -= 1
                self._recorder.record_send(connection.request, now)
                self._start(connection, loop)
            else:
                self._idle.append(connection)
        while self._idle and (arrival := arrivals.take(now)):
            connection = self._idle.pop()
            self._recorder.record_start(connection.request, arrival, now)
            self._start(connection, loop)

    def _find_next_event(self, now: float, arrivals: Arrivals, loop: EventLoop) -> float:
        """Return the time of the next event that does not depend on network traffic."""
        due = loop.find_timeout(now)
        if self._delayed:
            due = min(due, self._delayed[0][0])
        return min(due, arrivals.next_due) if self._idle else due

    def _start(self, connection: CurlConnection, loop: EventLoop) -> None:
        entry = connection.request.entry
        if self._bodies:
            connection.prepare(None, self._bodies[entry])
        else:
            connection.prepare(self._urls[entry], None)
        loop.multi.add_handle(connection.curl)
        self._in_flight += 1

    def _settle_finished(self, loop: EventLoop) -> None:
        """Record the finished transfers, and reuse or delay their connections."""
        _, succeeded, failed = loop.multi.info_read()
        for curl in succeeded:
            connection: CurlConnection = curl.connection
            loop.multi.remove_handle(curl)
            status, seconds = curl.getinfo(pycurl.RESPONSE_CODE), curl.getinfo(pycurl.TOTAL_TIME)
            retry_after = curl.getinfo(pycurl.RETRY_AFTER) if status != OK else 0  # libcurl converts a date to seconds
            body = connection.take_body()
            self._free(connection, self._recorder.record_answer(connection.request, status, body, seconds, retry_after))
        for curl, number, text in failed:
            connection = curl.connection
            loop.multi.remove_handle(curl)
            connection.take_body()
            kind, message = describe_failure(self._target, number, text, curl.getinfo(pycurl.OS_ERRNO))
            seconds = curl.getinfo(pycurl.TOTAL_TIME)
            self._free(connection, self._recorder.record_failure(connection.request, kind, message, seconds))

    def _free(self, connection: CurlConnection, retry_delay: float | None) -> None:
        self._in_flight -= 1
        if retry_delay is None:
            self._idle.append(connection)
        else:
            self._delay(self._clock() + retry_delay, connection, is_retry=True)

    def _delay(self, until: float, connection: CurlConnection, is_retry: bool) -> None:
        self._order += 1
        self._retries_waiting += is_retry
        heapq.heappush(self._delayed, (until, self._order, connection, is_retry))

    def _stop(self, now: float, arrivals: Arrivals) -> None:
        self._recorder.stop(now)
        self._recorder.record_unsent(arrivals.stop(now))
        self._delayed.clear()
        self._retries_waiting = 0

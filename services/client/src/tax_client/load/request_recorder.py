"""The recorder of a sender. It counts the outcomes, latencies and retries of requests, and writes log lines."""

import secrets

from tax_client.api.request_failures import TIMEOUT
from tax_client.api.retry import MAX_RETRY_AFTER, TRANSIENT_UNDER_LOAD
from tax_common.backoff import Backoff
from tax_common.logs import RequestLogger

from .answer_check import RIGHT, WRONG, WRONG_KEPT, WrongAnswer, check_answer
from .arrival_schedule import Arrival
from .load_plan import Window
from .outcome_counters import Counters, count_latencies
from .workload import Workload

BACKOFF = Backoff(first=0.1, longest=5.0, jitter=0.0)  # no jitter, so that runs are repeatable


class PendingRequest:
    """The request of a connection. `entry` is an index in the workload. Each send sets `sent_at` and `request_id`."""

    __slots__ = ("due", "entry", "number", "request_id", "sends", "sent_at")

    def __init__(self) -> None:
        self.number = self.entry = self.sends = 0
        self.due = self.sent_at = 0.0
        self.request_id = ""


class RequestRecorder:
    """Counts and logs the outcomes of requests. Each send has its own request id.

    `window` is the measured time. If `log_each` is false, `log` writes no lines for right answers.
    """

    def __init__(
        self, workload: Workload, log: RequestLogger, log_each: bool, retries: int, window: Window, is_open: bool
    ) -> None:
        self._workload, self._right = workload, workload.right
        self._log, self._log_each = log, log_each
        self._retries, self._is_open = retries, is_open
        self._begin, self._start, self._end = window.begin, window.start, window.end
        self._prefix, self._sends = secrets.token_hex(11), 0
        self._latencies, self._latencies_from_send = list[int](), list[int]()
        self._counters = Counters()

    def record_start(self, request: PendingRequest, arrival: Arrival, now: float) -> None:
        """Record the first send of a request that is due."""
        request.number, request.due = arrival
        request.entry = request.number % len(self._right)
        request.sends = 0
        self._counters.sent += 1
        self.record_send(request, now)

    def record_send(self, request: PendingRequest, now: float) -> None:
        """Record that a request is sent. Create a request id that is unique among the sends of all processes."""
        request.sends += 1
        request.sent_at = now
        request.request_id = f"{self._prefix}{self._sends:010x}"
        self._sends += 1

    def record_answer(
        self, request: PendingRequest, status: int, body: bytes, seconds: float, retry_after: float = 0.0
    ) -> float | None:
        """Record an answer that took `seconds`. Return the seconds before a retry, or None if there is no retry."""
        outcome, detail = RIGHT, ""
        if status != 200 or body != self._right[request.entry]:
            outcome, detail = check_answer(status, body, self._right[request.entry])
            if outcome == RIGHT:
                self._right[request.entry] = body  # lets a comparison of bytes recognize this answer later
        if outcome != RIGHT or self._log_each:
            delay = self._settle(request, status, outcome, detail, seconds, retry_after)
            if delay is not None:
                return delay
        else:
            self._counters.right += 1
        counters, answered_at = self._counters, request.sent_at + seconds
        counters.answered += 1
        if self._start <= answered_at < self._end:
            counters.measured += 1
            # Keep the later time, because answers are not recorded in the order of their arrival.
            if answered_at > self._begin + counters.last:
                counters.last = answered_at - self._begin
        if outcome in (RIGHT, WRONG):
            self._record_latency(request, seconds)
        return None

    def record_failure(self, request: PendingRequest, kind: str, message: str, seconds: float) -> float | None:
        """Record a request without an answer. Return the seconds before a retry, or None if there is no retry."""
        delay = self._settle(request, None, kind, message, seconds)
        if delay is None and kind == TIMEOUT:
            self._record_latency(request, seconds)
        return delay

    def record_unsent(self, count: int) -> None:
        """Record requests that were due but found no free connection."""
        self._counters.unsent += count

    def take_counters(self) -> Counters:
        """Return the counts since the last call, and reset the counts."""
        counters, self._counters = self._counters, Counters()
        counters.latencies = count_latencies(self._latencies)
        counters.latencies_from_send = count_latencies(self._latencies_from_send)
        self._latencies.clear()
        self._latencies_from_send.clear()
        return counters

    def stop(self, now: float) -> None:
        """End the measured time at `now`. This method is called after an interruption."""
        self._end = min(self._end, now)

    def _record_latency(self, request: PendingRequest, seconds: float) -> None:
        if request.due >= self._start:
            self._latencies.append(int((request.sent_at + seconds - request.due) * 1e6))
            if self._is_open:
                self._latencies_from_send.append(int(seconds * 1e6))

    def _settle(
        self,
        request: PendingRequest,
        status: int | None,
        outcome: str,
        detail: str,
        seconds: float,
        retry_after: float = 0.0,
    ) -> float | None:
        """Log and count an outcome. Return the seconds before a retry, or None if there is no retry."""
        retried = request.sends <= self._retries and outcome in TRANSIENT_UNDER_LOAD and retry_after <= MAX_RETRY_AFTER
        fields = {"place": "flood", "request_id": request.request_id, "status": status, "ms": round(seconds * 1000, 3)}
        self._log("answer", fields | {"outcome": outcome} | ({"retried": True} if retried else {}))
        if retried:
            self._counters.retries += 1
            self._counters.retried[outcome] += 1
            return max(retry_after, BACKOFF.compute_delay(request.sends - 1))
        if outcome == RIGHT:
            self._counters.right += 1
        else:
            self._count_error(request, outcome, detail)
        return None

    def _count_error(self, request: PendingRequest, outcome: str, detail: str) -> None:
        counters = self._counters
        if outcome != WRONG:
            counters.failures[outcome] += 1
            counters.examples.setdefault(outcome, f"{outcome}: {detail} (request {request.request_id})")
            return
        counters.wrong += 1
        if len(counters.wrongs) < WRONG_KEPT:
            query = self._workload.describe_request(request.entry)
            counters.wrongs.append(WrongAnswer(request.number, request.request_id, query, detail))

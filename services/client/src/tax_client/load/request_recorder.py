"""The account that a process keeps of its requests: what each came to, whether it is tried again, its line of log."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from tax_client.api.failures import TRANSIENT
from tax_client.api.retry import MAX_RETRY_AFTER

from .answer_check import RIGHT, WRONG, judge
from .arrivals import Ticket
from .counters import KEPT, Tally, Wrong
from .histogram import Latencies
from .plan import Window
from .workload import Workload

TIMEOUT = "timeout"  # the kind of failure that has a latency: at least as long as it was waited for
# Not a time-out: sent again, it would only add to the load of a server that is too slow.
RETRIED = TRANSIENT - {TIMEOUT}
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0  # seconds before a retry, doubled each time; more where the server asks for it


class Call:
    """A request on its way: its number, when it was due, and its last sending: when, and by which id."""

    __slots__ = ("due", "entry", "number", "request_id", "sent", "tries")

    def __init__(self) -> None:
        self.number = self.entry = self.tries = 0
        self.due = self.sent = 0.0
        self.request_id = ""


Say = Callable[[str, Mapping[str, Any]], None]


class Account:
    """Counts what came of calls since it was last asked for news; each sending has an id and a line of its own.

    Figures are made of the time of the `window`. `say` writes a line; without `say_each` only those of answers that are
    not right.
    """

    def __init__(
        self, workload: Workload, say: Say, say_each: bool, retries: int, window: Window, is_open: bool
    ) -> None:
        self._workload, self._right = workload, workload.right
        self._say, self._say_each = say, say_each
        self._retries, self._is_open = retries, is_open
        self._begin, self._start, self._end = window.begin, window.start, window.end
        self._prefix, self._sendings = secrets.token_hex(11), 0
        self._latencies, self._unpaced = list[int](), list[int]()
        self._tally = Tally()

    def begin(self, call: Call, ticket: Ticket, now: float) -> None:
        """A ticket's call is being sent for the first time."""
        call.number, call.due = ticket
        call.entry = call.number % len(self._right)
        call.tries = 0
        self._tally.sent += 1
        self.send(call, now)

    def send(self, call: Call, now: float) -> None:
        """The call is being sent: it gets an id that no other sending of any process has."""
        call.tries += 1
        call.sent = now
        call.request_id = f"{self._prefix}{self._sendings:010x}"
        self._sendings += 1

    def answered(self, call: Call, status: int, body: bytes, seconds: float, asked: float = 0.0) -> float | None:
        """An answer came, so long after it was sent; seconds until the call is to be sent again, or None.

        `asked` are the seconds of its Retry-After.
        """
        outcome, detail = RIGHT, ""
        if status != 200 or body != self._right[call.entry]:
            outcome, detail = judge(status, body, self._right[call.entry])
            if outcome == RIGHT:
                self._right[call.entry] = body  # the same in another spelling
        if outcome != RIGHT or self._say_each:
            delay = self._settle(call, status, outcome, detail, seconds, asked)
            if delay is not None:
                return delay
        else:
            self._tally.right += 1
        tally, came = self._tally, call.sent + seconds
        tally.answered += 1
        if self._start <= came < self._end:
            tally.measured += 1
            if came > self._begin + tally.last:  # several that came together are settled in any order
                tally.last = came - self._begin
        if outcome in (RIGHT, WRONG):
            self._took(call, seconds)
        return None

    def failed(self, call: Call, kind: str, message: str, seconds: float) -> float | None:
        """No answer came, and why; seconds until the call is to be sent again, or None."""
        delay = self._settle(call, None, kind, message, seconds)
        if delay is None and kind == TIMEOUT:
            self._took(call, seconds)
        return delay

    def news(self) -> Tally:
        """What was counted since the last news."""
        news, self._tally = self._tally, Tally()
        news.latencies, news.unpaced = Latencies.of(self._latencies), Latencies.of(self._unpaced)
        self._latencies.clear()
        self._unpaced.clear()
        return news

    def stop(self, now: float) -> None:
        """The run is interrupted: what is answered from now on is not in the throughput."""
        self._end = min(self._end, now)

    def left_unsent(self, count: int) -> None:
        """So many requests were due and never had a connection."""
        self._tally.unsent += count

    def _took(self, call: Call, seconds: float) -> None:
        """Count the latency of a call whose last sending took so long."""
        if call.due >= self._start:
            self._latencies.append(int((call.sent + seconds - call.due) * 1e6))
            if self._is_open:
                self._unpaced.append(int(seconds * 1e6))

    def _settle(
        self, call: Call, status: int | None, outcome: str, detail: str, seconds: float, asked: float = 0.0
    ) -> float | None:
        """Count and log an outcome; seconds until the call is to be sent again, or None."""
        again = call.tries <= self._retries and outcome in RETRIED and asked <= MAX_RETRY_AFTER
        fields = {"place": "flood", "request_id": call.request_id, "status": status, "ms": round(seconds * 1000, 3)}
        self._say("answer", fields | {"outcome": outcome} | ({"retried": True} if again else {}))
        if again:
            self._tally.retries += 1
            self._tally.retried[outcome] += 1
            return max(asked, min(FIRST_DELAY * 2.0 ** (call.tries - 1), LONGEST_DELAY))
        if outcome == RIGHT:
            self._tally.right += 1
        else:
            self._count_bad(call, outcome, detail)
        return None

    def _count_bad(self, call: Call, outcome: str, detail: str) -> None:
        tally = self._tally
        if outcome != WRONG:
            tally.failures[outcome] += 1
            tally.examples.setdefault(outcome, f"{outcome}: {detail} (request {call.request_id})")
            return
        tally.wrong += 1
        if len(tally.wrongs) < KEPT:
            tally.wrongs.append(Wrong(call.number, call.request_id, self._workload.ask(call.entry), detail))

"""The reference engine: a `requests` session in each of many threads. Slow, and known to everybody."""

import threading
import time

import requests

from tax_client.api.client import CONNECT_SECONDS, create_session
from tax_client.api.failures import build_api_error
from tax_client.api.retry import parse_retry_after
from tax_client.runtime import GRACE_SECONDS

from . import file_descriptors
from .arrivals import Pace, Ticket
from .channel import Parent
from .plan import Share
from .request_recorder import Account, Call
from .target import Target
from .workload import Workload


class SessionsEngine:
    """Sends the requests of one process; its threads take turns at the account and the pace."""

    def __init__(self, target: Target, workload: Workload, share: Share, account: Account) -> None:
        self._target, self._workload, self._share, self._account = target, workload, share, account
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self._flying = 0

    def run(self, begin: float, parent: Parent) -> None:
        """Send them all, telling the parent what came of them, until it asks to stop."""
        pace, deadline = self._share.pace(begin), None
        starts = self._share.starts(begin)
        threads = [threading.Thread(target=self._work, args=(start, pace), daemon=True) for start in starts]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            now = time.perf_counter()
            if deadline and now >= deadline:
                break
            if parent.wants_stop(max(0.0, min(parent.next_tell - now, 0.05))):
                self._stopped.set()
                deadline = now + GRACE_SECONDS
                with self._turn:
                    self._account.stop(now)
                    self._account.left_unsent(pace.stop(now))
            if now >= parent.next_tell:
                self._tell(parent)
        with self._turn:
            self._account.left_unsent(pace.stop(time.perf_counter()))
        self._tell(parent)

    def _tell(self, parent: Parent) -> None:
        with self._turn:
            news, flying = self._account.news(), self._flying
        parent.tell(news, flying)

    def _work(self, start: float, pace: Pace) -> None:
        """What each thread does: send requests, one after the other, when they are due."""
        self._stopped.wait(max(0.0, start - time.perf_counter()))
        call = Call()
        with create_session(self._target.ca_file) as session:
            session.headers.update(self._target.headers)
            while (ticket := self._next(pace)) is not None:
                with self._turn:
                    self._account.begin(call, ticket, time.perf_counter())
                    self._flying += 1
                while (delay := self._send(session, call)) is not None and not self._stopped.wait(delay):
                    with self._turn:
                        self._account.send(call, time.perf_counter())
                with self._turn:
                    self._flying -= 1

    def _next(self, pace: Pace) -> Ticket | None:
        """The next ticket, once it is due; None when there will be none."""
        while True:
            with self._turn:
                now = time.perf_counter()
                ticket = pace.take(now)
                if ticket is not None or pace.is_over(now):
                    return ticket
                due = pace.next_due()
            self._stopped.wait(max(0.0, min(due - now, 0.05)))

    def _send(self, session: requests.Session, call: Call) -> float | None:
        """Wait for a call's answer and settle it; seconds until it is to be sent again, or None."""
        body = self._workload.bodies[call.entry] if self._workload.bodies else None
        query = "" if body else "?" + self._workload.queries[call.entry]
        headers = {"X-Request-ID": call.request_id} | ({"Content-Type": "application/json"} if body else {})
        timeouts = (min(self._target.timeout, CONNECT_SECONDS), self._target.timeout)
        try:
            response = session.request(
                "POST" if body else "GET",
                self._target.address + query,
                data=body,
                headers=headers,
                timeout=timeouts,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            seconds = time.perf_counter() - call.sent
            kind, message = self._why(error)
            with self._turn:
                return self._account.failed(call, kind, message, seconds)
        seconds = time.perf_counter() - call.sent
        with self._turn:
            asked = parse_retry_after(response.headers.get("Retry-After", ""))
            return self._account.answered(call, response.status_code, response.content, seconds, asked)

    def _why(self, error: requests.RequestException) -> tuple[str, str]:
        """The kind of a failure, and what to do about it."""
        if file_descriptors.is_lack(error):
            return file_descriptors.KIND, file_descriptors.MESSAGE
        why = build_api_error(error, self._target.url, self._target.timeout)
        return why.kind, str(why).removeprefix(f"{why.kind}: ")

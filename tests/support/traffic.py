"""A client that sends requests at a constant rate, independent of the response times."""

import base64
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from tests.support.data import v7_cases
from tests.support.stack import Stack
from tests.support.waiting import wait_until

MOST_AT_ONCE = 64  # limit of concurrent requests, because more requests would time out on a stalled machine
POST_EVERY = 4  # every fourth request is a POST


@dataclass
class Traffic:
    """Requests at a constant rate, with the counts of sent requests, requests in flight, and outcomes."""

    port: int
    credentials: str
    rate: float  # requests per second
    sent: int = 0
    in_flight: int = 0
    longest: float = 0.0  # seconds of the slowest response
    outcomes: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_AT_ONCE))

    def run(self) -> None:
        """Send requests until `stop` is called, then wait for the last response."""
        cases, begun = v7_cases(), time.monotonic()
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            while not self._over.wait(max(0.0, begun + self.sent / self.rate - time.monotonic())):
                self._places.acquire()
                with self._lock:
                    self.sent += 1
                    self.in_flight += 1
                pool.submit(self._ask, cases[self.sent % len(cases)], self.sent % POST_EVERY == 0)

    def stop(self) -> None:
        """Stop sending requests."""
        self._over.set()

    def _ask(self, case: dict[str, Any], by_post: bool) -> None:
        begun = time.monotonic()
        try:
            outcome = self._outcome(case, by_post)
        except (OSError, HTTPException, ValueError) as error:
            outcome = f"{type(error).__name__}: {error}"
        with self._lock:
            self.outcomes[outcome] += 1
            self.longest = max(self.longest, time.monotonic() - begun)
            self.in_flight -= 1
        self._places.release()

    def _outcome(self, case: dict[str, Any], by_post: bool) -> str:
        login = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        target = f"/?married={case['married']}&children={case['children']}&salary={case['salary']}"
        posted = {name: case[name] for name in ("married", "children", "salary")}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            if by_post:
                headers = {"Authorization": login, "Content-Type": "application/json"}
                connection.request("POST", "/", json.dumps(posted), headers)
            else:
                connection.request("GET", target, headers={"Authorization": login})
            response = connection.getresponse()
            body = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            return f"{response.status}: {body}"
        return "right" if body == {"response": {"result": case}} else f"wrong: {body}"


@contextmanager
def constant_rate(stack: Stack, rate: float, at_least: int) -> Any:
    """Send requests while the `with` block runs. The block starts when `at_least` requests are in flight.

    At the end, assert that every response was correct.
    """
    traffic = Traffic(stack.http_port, stack.credentials, rate)
    thread = threading.Thread(target=traffic.run)
    thread.start()
    try:
        wait_until(lambda: traffic.in_flight >= at_least)
        yield traffic
    finally:
        traffic.stop()
        thread.join()
    assert {"right": traffic.sent} == dict(traffic.outcomes)

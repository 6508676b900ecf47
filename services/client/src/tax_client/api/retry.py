"""Retries of failed requests: the choice of failures, the limit, and the delay (Retry-After, RFC 9110, 10.2.3)."""

import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TypeVar

from structlog.contextvars import bound_contextvars

from tax_common.backoff import Backoff
from tax_common.logs import Log

from .failure_kinds import TRANSIENT, UNAUTHORIZED
from .responses import ApiError

BACKOFF = Backoff(first=0.2, longest=5.0)  # seconds
MAX_RETRY_AFTER = 300.0  # seconds; with a longer Retry-After, the request is not sent again
UNEXPECTED = "unexpected failure: {}: find the request's id in the client's log"

T = TypeVar("T")


class Retrier:
    """Sends a request and up to `limit` retries after transient failures, each with its own id. Thread-safe.

    When the server rejects the login, no thread sends a further request.
    """

    def __init__(self, limit: int, log: Log) -> None:
        self._limit, self._log = limit, log
        self.stopped = threading.Event()  # set when no further request may be sent
        self.unauthorized = False  # the server has rejected the login

    def send(self, request: Callable[[str], T]) -> tuple[T | str, str]:
        """Send a request. Return its value or the reason of its last failure, and the id of the last attempt."""
        attempts = 0
        while True:
            request_id = create_request_id()
            with bound_contextvars(request_id=request_id):
                try:
                    return request(request_id), request_id
                except ApiError as error:
                    if not self._wait_for_retry(attempts, error):
                        return str(error), request_id
                except Exception as error:  # a bug must not stop the other requests
                    reason = UNEXPECTED.format(type(error).__name__)
                    self._log.exception("unexpected_failure", place="run", reason=reason)
                    return reason, request_id
            attempts += 1

    def _wait_for_retry(self, attempts: int, error: ApiError) -> bool:
        """Wait before the next attempt. Return whether it may be sent."""
        if error.kind == UNAUTHORIZED:
            self.unauthorized = True
            self.stopped.set()
        delay = self._compute_delay(attempts, error)
        if delay is None:
            return False
        self._log.warning("retry", place="run", reason=str(error), seconds=round(delay, 3))
        return not self.stopped.wait(delay)

    def _compute_delay(self, attempts: int, error: ApiError) -> float | None:
        """Compute the seconds before the next attempt, at least those of Retry-After, or None to give up."""
        if attempts == self._limit or error.kind not in TRANSIENT or self.stopped.is_set():
            return None
        if error.retry_after > MAX_RETRY_AFTER:
            return None
        return max(error.retry_after, BACKOFF.compute_delay(attempts))


def create_request_id() -> str:
    """Create a request id of 32 hexadecimal digits, for X-Request-ID and the log."""
    return uuid.uuid4().hex


def parse_retry_after(header: str, now: Callable[[], float] = time.time) -> float:
    """Return the seconds that a Retry-After header gives as a number or a date, or 0 if it is invalid or past."""
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        date = parsedate_to_datetime(header)
        # A date without a time zone is in GMT (RFC 9110, 5.6.7), not in local time.
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now())
    except (ValueError, OverflowError):
        return 0.0

"""Retries of failed requests. A retry waits at least as long as the header Retry-After asks (RFC 9110, 10.2.3)."""

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

from .request_failures import TIMEOUT, UNAUTHORIZED, ApiError

BACKOFF = Backoff(first=0.2, longest=5.0)  # seconds
MAX_RETRY_AFTER = 300.0  # seconds; if Retry-After is longer, the client does not retry
# The client retries after these failures, because the next attempt can succeed. While a server is being replaced, its
# host name is unknown for some seconds. Then its port is closed, and then its proxy has no upstream server. The client
# does not retry after other failures, because they would occur again.
TRANSIENT = frozenset(
    {
        *("unknown host", "connection refused", "connection lost", "timeout"),
        *("status 429", "status 502", "status 503", "status 504"),
    }
)
TRANSIENT_UNDER_LOAD = TRANSIENT - {TIMEOUT}  # a retry after a timeout would add load to a slow server
UNEXPECTED = "unexpected failure: {}: search the client's log for the request's id"

T = TypeVar("T")


class Retrier:
    """Sends requests, and retries each request up to `limit` times after transient failures. Thread-safe.

    Each attempt has its own request id. After the server rejects the credentials, the retrier sets `stopped`, and the
    callers send no further request.
    """

    def __init__(self, limit: int, log: Log) -> None:
        self._limit, self._log = limit, log
        self.stopped = threading.Event()  # set when no thread is allowed to send a further request
        self.unauthorized = False  # whether the server has rejected the credentials

    def send(self, request: Callable[[str], T]) -> tuple[T | str, str]:
        """Send a request, with retries. Return a pair of the outcome and the id of the last attempt.

        The outcome is the return value of `request`. If the last attempt failed, the outcome is the reason as a string.
        """
        attempts = 0
        while True:
            request_id = create_request_id()
            with bound_contextvars(request_id=request_id):
                try:
                    return request(request_id), request_id
                except ApiError as error:
                    if not self._wait_for_retry(attempts, error):
                        return str(error), request_id
                except Exception as error:  # report a bug as a failure, so that other requests continue
                    reason = UNEXPECTED.format(type(error).__name__)
                    self._log.exception("unexpected_failure", place="run", reason=reason)
                    return reason, request_id
            attempts += 1

    def _wait_for_retry(self, attempts: int, error: ApiError) -> bool:
        """Wait before the next attempt and return True. Return False if no further attempt is allowed."""
        if error.kind == UNAUTHORIZED:
            self.unauthorized = True
            self.stopped.set()
        delay = self._compute_delay(attempts, error)
        if delay is None:
            return False
        self._log.warning("retry", place="run", reason=str(error), seconds=round(delay, 3))
        return not self.stopped.wait(delay)

    def _compute_delay(self, attempts: int, error: ApiError) -> float | None:
        """Return the seconds until the next attempt, or None if no retry is allowed. The minimum is Retry-After."""
        if attempts == self._limit or error.kind not in TRANSIENT or self.stopped.is_set():
            return None
        if error.retry_after > MAX_RETRY_AFTER:
            return None
        return max(error.retry_after, BACKOFF.compute_delay(attempts))


def create_request_id() -> str:
    """Create a request id of 32 hexadecimal digits, for the header X-Request-ID and the log."""
    return uuid.uuid4().hex


def parse_retry_after(header: str, now: Callable[[], float] = time.time) -> float:
    """Return the seconds that a Retry-After header requests. Return 0 for an invalid header or a past date."""
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        date = parsedate_to_datetime(header)
        # Interpret a date without a time zone as GMT (RFC 9110, 5.6.7), not as local time.
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now())
    except (ValueError, OverflowError):
        return 0.0

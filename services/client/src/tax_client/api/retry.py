"""Requests that are sent again: when, how often, and how long to wait before."""

import random
import threading
from collections.abc import Callable
from typing import TypeVar

from structlog.contextvars import bound_contextvars

from tax_client.client_log import Log

from .client import new_request_id
from .failures import PASSING, REFUSED
from .responses import ApiError
from .retry_after import LONGEST_ASKED

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds
UNEXPECTED = "unexpected failure: {}: find the request's id in the client's log"

T = TypeVar("T")


class Retries:
    """Sends a request again, `most` times, when its failure may pass; each under an id of its own.

    So every request that was sent is one record in the logs. A login that is refused stops all. Safe for threads.
    """

    def __init__(self, most: int, log: Log) -> None:
        self._most, self._log = most, log
        self._stopped = threading.Event()
        self.refused = False  # the login and password were
        self._chance = random.Random()  # noqa: S311 - it hides nothing

    @property
    def stopped(self) -> bool:
        """Whether no request is to be sent any more."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Wait no more, and send nothing again."""
        self._stopped.set()

    def send(self, request: Callable[[str], T]) -> tuple[T | str, str]:
        """What a request gives, or the reason of its last failure; and the last request's id."""
        attempt = 0
        while True:
            request_id = new_request_id()
            with bound_contextvars(request_id=request_id):
                try:
                    return request(request_id), request_id
                except ApiError as error:
                    if error.kind == REFUSED:
                        self.refused = True
                        self.stop()
                    pause = self._pause(attempt, error)
                    if pause is None:
                        return str(error), request_id
                    self._log.warning("retry", place="run", reason=str(error), seconds=round(pause, 3))
                    if self._stopped.wait(pause):
                        return str(error), request_id
                except Exception as error:  # whatever it is, it is this request's alone
                    reason = UNEXPECTED.format(type(error).__name__)
                    self._log.exception("unexpected_failure", place="run", reason=reason)
                    return reason, request_id
            attempt += 1

    def _pause(self, attempt: int, error: ApiError) -> float | None:
        """Seconds before the next attempt, None for none.

        Longer each time, and by chance, so that threads do not come back together; as the server asks, if it does.
        """
        if attempt == self._most or error.kind not in PASSING or self.stopped or error.retry_after > LONGEST_ASKED:
            return None
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
        return max(error.retry_after, self._chance.uniform(longest / 2, longest))

"""The monitor of the number of replicas. It reports replicas that were stopped and not started again.

`make up` writes the expected number of replicas to a file. The number of replicas can be lower for a short time, for
example while a replica restarts.
"""

import time
from collections.abc import Callable

from .replica_monitor import ReplicaMonitor

MISSING_AFTER = 60.0  # seconds with too few replicas after which they are reported
COMPLETE_AFTER = 10.0  # seconds with enough replicas after which none is missing; a crash loop has shorter ones


class MissingReplicasMonitor:
    """Compares the number of replicas that `replicas` has found with the expected number.

    The monitor does not count a replica that stands still as missing, because `replicas` reports it. `on_missing`
    receives a message after MISSING_AFTER seconds, in the worker that reports for all workers. If this worker ends,
    another worker reports again. `on_recovery` is called when enough replicas have run for COMPLETE_AFTER seconds, also
    if none was missing before. A shorter time with enough replicas interrupts nothing.
    """

    def __init__(
        self,
        replicas: ReplicaMonitor,
        read_expected: Callable[[], int | None],
        on_missing: Callable[[str], object],
        on_recovery: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replicas, self._read_expected = replicas, read_expected
        self._on_missing, self._on_recovery = on_missing, on_recovery
        self._clock = clock
        self._since: float | None = None  # start of the time with too few replicas
        self._enough_since: float | None = None  # start of the time with enough replicas
        self._is_reported = False
        self._is_complete = False

    def check(self) -> None:
        """Compare the numbers, and report a change. Call this method after the check of `replicas`."""
        present, expected = self._replicas.present, self._read_expected()
        if present is None or expected is None:
            self._since = self._enough_since = None
        elif present >= expected:
            self._count_time_of_enough()
        else:
            self._count_time(present, expected)

    def _count_time_of_enough(self) -> None:
        now = self._clock()
        self._enough_since = now if self._enough_since is None else self._enough_since
        if now - self._enough_since < COMPLETE_AFTER:
            return
        if not self._is_complete:
            self._on_recovery()
        self._since, self._is_reported, self._is_complete = None, False, True

    def _count_time(self, present: int, expected: int) -> None:
        now, self._is_complete, self._enough_since = self._clock(), False, None
        self._since = now if self._since is None else self._since
        if now - self._since >= MISSING_AFTER and self._replicas.is_reporter and not self._is_reported:
            self._is_reported = True
            self._on_missing(describe_missing(present, expected))


def describe_missing(count: int, expected: int) -> str:
    """Return the message about missing replicas."""
    few = f"only {count} of {expected} replicas {'is' if count == 1 else 'are'} running"
    return f"{few}: run make up, or make up REPLICAS={count} to keep this number"

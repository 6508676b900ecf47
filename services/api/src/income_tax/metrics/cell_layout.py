"""The layout of a worker's counters: the position of each count in a row of cells.

A route has a number from 0 to ROUTES_MAX - 1. Its counts lie in one block, in this order: the number of responses of
each status, the number of responses in each latency bucket, and the sum of the latencies in microseconds.
"""

from functools import cache
from http import HTTPStatus

from .latency_buckets import BUCKETS

ROUTES_MAX = 40
STATUSES = (*(str(status.value) for status in HTTPStatus if status >= HTTPStatus.OK), "other")
STATUS_INDEXES = {int(status): index for index, status in enumerate(STATUSES[:-1])}
OTHER_STATUS = len(STATUSES) - 1
LATENCIES = len(STATUSES)  # position of the first latency bucket in the block of a route
LATENCY_SUM = LATENCIES + BUCKETS
ROUTE_CELLS = LATENCY_SUM + 1

KINDS = ("household", "batch", "curve")  # kinds of calculations
NO_YEAR, OTHER_YEAR, FIRST_YEAR, LAST_YEAR = 0, 1, 2000, 2099  # the position of a dated year is year - FIRST_YEAR + 2
YEARS = ("none", "other", *map(str, range(FIRST_YEAR, LAST_YEAR + 1)))
BATCH_BOUNDS = (1, 10, 100, 1_000, 10_000, 100_000)  # upper bounds of the buckets of batch sizes
OUTCOMES = ("accepted", "wrong", "throttled", "missing")  # outcomes of logins whose credentials were not cached

CALCULATIONS = ROUTES_MAX * ROUTE_CELLS
BATCH_SIZES = CALCULATIONS + len(KINDS) * len(YEARS)
BATCH_HOUSEHOLDS = BATCH_SIZES + len(BATCH_BOUNDS) + 1  # the sum of the batch sizes
LOGINS = BATCH_HOUSEHOLDS + 1
CHECKS_REFUSED = LOGINS + len(OUTCOMES)
LINES_WRITTEN = CHECKS_REFUSED + 1
LINES_LOST = LINES_WRITTEN + 1
# The cells from here on describe only the worker that now uses the cells. They are cleared when it ends.
CHECKS_WAITING = LINES_LOST + 1
IS_RUNNING = CHECKS_WAITING + 1
HAS_ENDED = IS_RUNNING + 1  # 1 if the worker has ended without a crash
THREADS_BUSY = HAS_ENDED + 1  # the cell of each thread, which is 1 while the thread answers a request
THREADS_MAX = 1024
CELLS = THREADS_BUSY + THREADS_MAX


@cache
def find_calculations(kind: str, year: int | None) -> int:
    """Return the position of the number of calculations of this kind for an income year, or for the rules `v7`."""
    first = CALCULATIONS + KINDS.index(kind) * len(YEARS)
    if year is None:
        return first + NO_YEAR
    return first + (year - FIRST_YEAR + 2 if FIRST_YEAR <= year <= LAST_YEAR else OTHER_YEAR)

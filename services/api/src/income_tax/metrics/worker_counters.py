"""The counters that a worker increments."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from threading import Lock, local
from typing import NamedTuple

from .cell_layout import (
    BATCH_BOUNDS,
    BATCH_HOUSEHOLDS,
    BATCH_SIZES,
    CHECKS_REFUSED,
    CHECKS_WAITING,
    HAS_ENDED,
    LATENCIES,
    LATENCY_SUM,
    LINES_LOST,
    LINES_WRITTEN,
    LOGINS,
    OTHER_STATUS,
    OUTCOMES,
    ROUTE_CELLS,
    ROUTES_MAX,
    STATUS_INDEXES,
    THREADS_BUSY,
    THREADS_MAX,
    find_calculations,
)
from .latency_buckets import find_bucket
from .shared_counters import MASTER_SLOT, SharedCounters


class Route(NamedTuple):
    """The method and the URL rule of requests. HEAD counts as GET."""

    method: str
    rule: str


OTHER = Route("other", "other")  # requests that match no route


class RequestCounts(local):
    """The counts of the request that a thread answers. `record_response` adds them to the counters in one step."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self.busy_cell = THREADS_BUSY + next(numbers) % THREADS_MAX
        self.is_active = False
        self.lines = 0
        self.calculations = 0  # the cell of the calculation; 0 means none, because cell 0 belongs to a route


class WorkerCounters:
    """Increments the counters of one process. All methods are thread-safe.

    The application sets the routes before the first fork. The process uses the slot of the master until `use_slot` sets
    another slot. The master sets `next_slot` to the slot of the worker that it is about to fork.
    """

    def __init__(self, shared: SharedCounters) -> None:
        self.shared = shared
        self.routes: Sequence[Route] = (OTHER,)
        self._numbers: Mapping[Route, int] = {OTHER: 0}
        self.index_route = 0  # the number of `GET /`
        self._of_request = RequestCounts(count())
        self.next_slot = MASTER_SLOT
        self.use_slot(MASTER_SLOT)

    def use_slot(self, slot: int) -> None:
        """Increment the counters of this slot from now on."""
        self._lock = Lock()  # another thread of the parent might hold the inherited lock
        self._slot, self._cells = slot, self.shared.get_cells(slot)
        self._earlier = self._sum_responses()

    @property
    def is_first_worker(self) -> bool:
        """Whether this worker does the work that only one worker of the replica does."""
        return self.shared.is_first(self._slot)

    @property
    def responses(self) -> int:
        """The number of responses of this worker."""
        return self._sum_responses() - self._earlier

    def _sum_responses(self) -> int:
        blocks = range(0, ROUTES_MAX * ROUTE_CELLS, ROUTE_CELLS)
        return sum(sum(self._cells[block : block + LATENCIES]) for block in blocks)

    def set_routes(self, routes: Sequence[Route]) -> None:
        """Set the routes that are counted separately. Raises ValueError if there are more than ROUTES_MAX."""
        self.routes = (OTHER, *routes)
        if len(self.routes) > ROUTES_MAX:
            raise ValueError(f"{len(self.routes)} routes; expected at most {ROUTES_MAX}")
        self._numbers = {route: number for number, route in enumerate(self.routes)}
        self.index_route = self.find_route("GET", "/")

    def find_route(self, method: str, rule: str) -> int:
        """Return the number of a route, or the number of OTHER."""
        return self._numbers.get(Route("GET" if method == "HEAD" else method, rule), 0)

    def begin_request(self) -> None:
        """Count the calling thread as busy."""
        counts = self._of_request
        counts.is_active = True
        self._cells[counts.busy_cell] = 1  # only this thread writes to this cell

    def record_response(self, route: int, status: int, microseconds: int) -> None:
        """Count a response and its latency, and count the calling thread as free."""
        cells, counts, block = self._cells, self._of_request, route * ROUTE_CELLS
        bucket = block + LATENCIES + find_bucket(microseconds)
        with self._lock:
            cells[block + STATUS_INDEXES.get(status, OTHER_STATUS)] += 1
            cells[bucket] += 1
            cells[block + LATENCY_SUM] += microseconds
            if counts.lines:
                cells[LINES_WRITTEN] += counts.lines
            if counts.calculations:
                cells[counts.calculations] += 1
        counts.is_active, counts.lines, counts.calculations = False, 0, 0
        cells[counts.busy_cell] = 0

    def discard_response(self) -> None:
        """Count the calling thread as free, but do not count its response."""
        counts = self._of_request
        self._add(LINES_WRITTEN, counts.lines)
        counts.is_active, counts.lines, counts.calculations = False, 0, 0
        self._cells[counts.busy_cell] = 0

    def count_rejection(self, status: int) -> None:
        """Count a response of the server to a request that did not reach the application."""
        self._add(STATUS_INDEXES.get(status, OTHER_STATUS))

    def count_household(self, year: int | None) -> None:
        """Count the calculation of one household in a request. The year is None for the rules `v7`."""
        self._of_request.calculations = find_calculations("household", year)

    def count_calculations(self, kind: str, year: int | None, households: int = 1) -> None:
        """Count calculations for an income year, or for the rules `v7` if the year is None."""
        self._add(find_calculations(kind, year), households)

    def count_batch(self, households: int) -> None:
        """Count a batch and its households."""
        bucket = next((index for index, bound in enumerate(BATCH_BOUNDS) if households <= bound), len(BATCH_BOUNDS))
        with self._lock:
            self._cells[BATCH_SIZES + bucket] += 1
            self._cells[BATCH_HOUSEHOLDS] += households

    def count_login(self, outcome: str) -> None:
        """Count a login whose credentials were not cached. `outcome` is one of OUTCOMES."""
        self._add(LOGINS + OUTCOMES.index(outcome))

    def count_refused_check(self) -> None:
        """Count a password check that found no place in the queue."""
        self._add(CHECKS_REFUSED)

    def set_waiting_checks(self, count: int) -> None:
        """Set the number of threads that wait for a password check, or run one."""
        self._cells[CHECKS_WAITING] = count

    def count_written_line(self) -> None:
        """Count a written log line."""
        if self._of_request.is_active:
            self._of_request.lines += 1
        else:
            self._add(LINES_WRITTEN)

    def count_lost_line(self) -> None:
        """Count a lost log line."""
        self._add(LINES_LOST)

    def mark_end(self) -> None:
        """Record that this worker ends without a crash."""
        self._cells[HAS_ENDED] = 1

    def _add(self, cell: int, count: int = 1) -> None:
        with self._lock:
            self._cells[cell] += count

"""The counters that all processes of a replica share."""

import os
import signal
import threading

import pytest

from income_tax.metrics import cell_layout as layout
from income_tax.metrics.shared_counters import SharedCounters
from income_tax.metrics.worker_counters import OTHER, Route, WorkerCounters
from tests.support.fakes import build_counters


def count_responses(counters: WorkerCounters) -> int:
    """Return the number of responses with the status 200 that match no route."""
    return counters.shared.sum_cells()[layout.STATUS_INDEXES[200]]


def test_threads_count_exactly() -> None:
    """No count is lost when several threads count at the same time."""
    counters = build_counters()

    def work() -> None:
        for _ in range(5000):
            counters.begin_request()
            counters.record_response(0, 200, 10)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cells = counters.shared.sum_cells()
    assert (20_000, 200_000, 0) == (
        count_responses(counters),
        cells[layout.LATENCY_SUM],
        sum(cells[layout.THREADS_BUSY :]),
    )
    assert 20_000 == counters.responses


def test_counts_of_a_killed_worker_remain() -> None:
    """The counts of a killed process remain, and the next worker continues its slot. Its busy threads are cleared."""
    counters = build_counters()
    for _ in range(3):
        slot = counters.shared.assign_slot("worker")
        if (pid := os.fork()) == 0:
            counters.use_slot(slot)
            counters.begin_request()
            counters.record_response(0, 200, 10)
            counters.begin_request()
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        assert 1 == sum(counters.shared.sum_cells()[layout.THREADS_BUSY :])
        counters.shared.release_slot("worker")
        assert 0 == sum(counters.shared.sum_cells()[layout.THREADS_BUSY :])
    assert (3, 3) == (count_responses(counters), counters.shared.worker_starts)
    assert {"ended": 0, "killed": 3} == counters.shared.worker_exits


def test_slots_are_reused() -> None:
    """Simultaneous workers have different slots, and not the slot of the master. A free slot is assigned again."""
    shared = SharedCounters(slots=4)
    assert [1, 2] == [shared.assign_slot(name) for name in "ab"]
    shared.release_slot("a")
    assert ([1, 3], 3) == ([shared.assign_slot(name) for name in "cd"], shared.running_workers)
    assert ([True, False], 4) == ([shared.is_first(slot) for slot in (1, 2)], shared.worker_starts)


def test_a_planned_end_is_not_a_kill() -> None:
    """A worker that marks its end counts as ended. A release of an unknown worker counts nothing."""
    counters = build_counters()
    counters.use_slot(counters.shared.assign_slot("a"))
    counters.mark_end()
    counters.shared.release_slot("a")
    counters.shared.release_slot("a")
    assert {"ended": 1, "killed": 0} == counters.shared.worker_exits
    assert 0 == counters.shared.running_workers


def test_routes_have_numbers() -> None:
    """Each route has its own number, HEAD counts as GET, and unknown routes count as OTHER."""
    counters = build_counters()
    counters.set_routes([Route("GET", "/"), Route("POST", "/")])
    assert [1, 1, 2, 0] == [counters.find_route(method, "/") for method in ("GET", "HEAD", "POST", "PUT")]
    assert (OTHER, 1) == (counters.routes[0], counters.index_route)
    with pytest.raises(ValueError, match="41 routes; expected at most 40"):
        counters.set_routes([Route("GET", f"/{number}") for number in range(layout.ROUTES_MAX)])


@pytest.mark.parametrize(
    ("year", "name"), [(None, "none"), (2000, "2000"), (2099, "2099"), (1999, "other"), (2100, "other")]
)
@pytest.mark.parametrize("kind", layout.KINDS)
def test_each_year_has_its_cell(kind: str, year: int | None, name: str) -> None:
    """The cell of a calculation belongs to its kind and its year."""
    first = layout.CALCULATIONS + layout.KINDS.index(kind) * len(layout.YEARS)
    assert name == layout.YEARS[layout.find_calculations(kind, year) - first]

"""No request fails while workers die, end or are replaced under a flood that takes the fast path.

The requests of test_faults.py pause, and a request that pauses is answered through Flask (http/app.py). Here, with the
settings of a usual stack, three of four requests take the fast path: each fourth is a POST.
"""

from typing import Any

import pytest

from tests.support.budget import budget
from tests.support.replicas import count_retries, hang_up, list_replicas, list_workers, signal_process
from tests.support.stack import Stack
from tests.support.traffic import constant_rate
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("floods")
RATE = 300  # requests a second
ROUNDS = budget(1, 5)  # in each of which every worker of every replica is killed
GENERATIONS = budget(2, 6)  # of workers, the first included
WORKERS = 2  # of a replica, by default


def has_replaced(stack: Stack, replica: str, before: set[int], stay: set[int]) -> bool:
    """Whether the replica has all its workers, and kept only those in `stay` of the ones before."""
    now = list_workers(stack, replica)
    return len(now) == WORKERS and now & before == stay


def wait_for_answers(stack: Stack) -> None:
    """Wait until every replica has answered requests that came from now on."""
    since = stack.count("api/api.log")

    def find_hosts() -> set[Any]:
        return {record["host"] for record in stack.records("api/api.log", since) if record["event"] == "answer"}

    wait_until(lambda: len(find_hosts()) == len(list_replicas(stack)))


def kill_all_workers(stack: Stack) -> None:
    """Kill all workers of all replicas, one by one, each when the one before has been replaced."""
    for replica in list_replicas(stack):
        for _ in range(WORKERS):
            oldest, *stay = sorted(before := list_workers(stack, replica))
            signal_process(stack, replica, "KILL", oldest)
            wait_until(lambda replica=replica, before=before, stay=stay: has_replaced(stack, replica, before, {*stay}))


def test_killed_workers(stack: Stack) -> None:
    """While all workers of both replicas are killed, with requests, every request is answered right."""
    retried = count_retries(stack)
    with constant_rate(stack, RATE, 1):
        for _ in range(ROUNDS):
            kill_all_workers(stack)
        # A worker that had no request at that moment costs none.
        wait_until(lambda: count_retries(stack) > retried or kill_all_workers(stack))
        wait_for_answers(stack)  # by workers that have replaced others: none of the first is left


def test_hangups(stack: Stack) -> None:
    """SIGHUP replaces all workers of each replica, and each request is answered right."""
    with constant_rate(stack, RATE, 1):
        for replica in list_replicas(stack):
            before = list_workers(stack, replica)
            hang_up(stack, replica)
            wait_until(lambda replica=replica, before=before: has_replaced(stack, replica, before, set()))
        wait_for_answers(stack)


@pytest.mark.profile("recycling")
def test_recycled_workers(stack: Stack) -> None:
    """Workers that end after so many requests, some at any time, hand over without losing one."""
    replicas = list_replicas(stack)
    seen: dict[str, set[int]] = {replica: set() for replica in replicas}

    def has_recycled() -> bool:
        for replica in replicas:
            seen[replica] |= list_workers(stack, replica)
        return all(len(pids) >= WORKERS * GENERATIONS for pids in seen.values())

    with constant_rate(stack, RATE, 1):
        wait_until(has_recycled)

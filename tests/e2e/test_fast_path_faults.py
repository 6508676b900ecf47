"""Tests that no request of a flood on the fast path fails while workers are killed, end or are replaced.

The profiles of test_faults.py set SLEEP_TIME, which disables the fast path (see http/app.py). The profiles of this
module do not set SLEEP_TIME. Three of four requests take the fast path, and every fourth request is a POST.
"""

from typing import Any

import pytest

from tests.support.budget import budget
from tests.support.replicas import count_retries, hang_up, list_replicas, list_workers, signal_process
from tests.support.stack import Stack
from tests.support.traffic import constant_rate
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("floods")
RATE = 300  # requests per second
ROUNDS = budget(1, 5)  # number of rounds; each round kills every worker of every replica
GENERATIONS = budget(2, 6)  # number of generations of workers, including the first generation
WORKERS = 2  # default number of workers per replica


def has_replaced(stack: Stack, replica: str, before: set[int], stay: set[int]) -> bool:
    """Return True if the replica has all its workers, and if exactly the workers in `stay` remain from `before`."""
    now = list_workers(stack, replica)
    return len(now) == WORKERS and now & before == stay


def wait_for_answers(stack: Stack) -> None:
    """Wait until every replica has answered a new request."""
    since = stack.count("api/api.log")

    def find_hosts() -> set[Any]:
        return {record["host"] for record in stack.records("api/api.log", since) if record["event"] == "answer"}

    wait_until(lambda: len(find_hosts()) == len(list_replicas(stack)))


def kill_all_workers(stack: Stack) -> None:
    """Kill the workers of all replicas one by one. After each kill, wait for the replacement of the worker."""
    for replica in list_replicas(stack):
        for _ in range(WORKERS):
            oldest, *stay = sorted(before := list_workers(stack, replica))
            signal_process(stack, replica, "KILL", oldest)
            wait_until(lambda replica=replica, before=before, stay=stay: has_replaced(stack, replica, before, {*stay}))


def test_killed_workers(stack: Stack) -> None:
    """Every request gets a correct response while all workers of both replicas are killed one by one."""
    retried = count_retries(stack)
    with constant_rate(stack, RATE, 1):
        for _ in range(ROUNDS):
            kill_all_workers(stack)
        # Repeat the kills until one causes a retry. A killed worker without a request in flight causes no retry.
        wait_until(lambda: count_retries(stack) > retried or kill_all_workers(stack))
        wait_for_answers(stack)  # only new workers can answer now


def test_hangups(stack: Stack) -> None:
    """Every request gets a correct response while SIGHUP replaces all workers of each replica."""
    with constant_rate(stack, RATE, 1):
        for replica in list_replicas(stack):
            before = list_workers(stack, replica)
            hang_up(stack, replica)
            wait_until(lambda replica=replica, before=before: has_replaced(stack, replica, before, set()))
        wait_for_answers(stack)


@pytest.mark.profile("recycling")
def test_recycled_workers(stack: Stack) -> None:
    """Every request gets a correct response while workers end after MAX_REQUESTS requests and are replaced."""
    replicas = list_replicas(stack)
    seen: dict[str, set[int]] = {replica: set() for replica in replicas}

    def has_recycled() -> bool:
        for replica in replicas:
            seen[replica] |= list_workers(stack, replica)
        return all(len(pids) >= WORKERS * GENERATIONS for pids in seen.values())

    with constant_rate(stack, RATE, 1):
        wait_until(has_recycled)

"""No request fails while workers die, end or are replaced under a flood that goes the short way.

The requests of test_faults.py pause, and with a pause every one goes Flask's way (http/app.py). Here, as the stack is
shipped, three of four go the short way: each fourth is a POST.
"""

import re
from typing import Any

import pytest

from tests.e2e.test_faults import hang_up, ids, retries
from tests.support.budget import budget
from tests.support.stack import Stack
from tests.support.traffic import constant_rate
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("floods")
RATE = 300  # requests a second
ROUNDS = budget(1, 5)  # in each of which every worker of every replica is killed
GENERATIONS = budget(2, 6)  # of workers, the first included
WORKERS = 2  # of a replica, by default
# The processes of a container, as `7 (name) S 1 ...`: number, name, state, parent. Some end while they are read.
PROCESSES = "cat /proc/[0-9]*/stat 2>/dev/null || true"


def workers(stack: Stack, replica: str) -> set[int]:
    """The living workers of a replica: children of gunicorn's master, which is the child of Docker's init."""
    said = stack.run("docker", "exec", replica, "sh", "-c", PROCESSES).stdout
    found = re.findall(r"^(\d+) \(.*\) [^ZX] (\d+) ", said, re.MULTILINE)
    parents = {int(pid): int(parent) for pid, parent in found}
    return {pid for pid, parent in parents.items() if parents.get(parent) == 1}


def others(stack: Stack, replica: str, before: set[int], stay: set[int]) -> bool:
    """Whether the replica has all its workers, and of those it had before these alone."""
    now = workers(stack, replica)
    return len(now) == WORKERS and now & before == stay


def answer_again(stack: Stack) -> None:
    """Wait until every replica has answered requests that came from now on."""
    since = stack.count("api/api.log")

    def answering() -> set[Any]:
        return {record["host"] for record in stack.records("api/api.log", since) if record["event"] == "answer"}

    wait_until(lambda: len(answering()) == len(ids(stack)))


def kill_all(stack: Stack) -> None:
    """Kill all workers of all replicas, one by one, each when the one before has been replaced."""
    for replica in ids(stack):
        for _ in range(WORKERS):
            oldest, *stay = sorted(before := workers(stack, replica))
            killed = stack.run("docker", "exec", replica, "sh", "-c", f"kill -9 {oldest}")
            assert 0 == killed.returncode, killed.stderr
            wait_until(lambda replica=replica, before=before, stay=stay: others(stack, replica, before, {*stay}))


def test_killed_workers(stack: Stack) -> None:
    """While all workers of both replicas are killed, with requests, every request is answered right."""
    retried = retries(stack)
    with constant_rate(stack, RATE, 1):
        for _ in range(ROUNDS):
            kill_all(stack)
        # A worker that had no request at that moment costs none.
        wait_until(lambda: retries(stack) > retried or kill_all(stack))
        answer_again(stack)  # by workers that have replaced others: none of the first is left


def test_hangups(stack: Stack) -> None:
    """SIGHUP replaces all workers of each replica, and each request is answered right."""
    with constant_rate(stack, RATE, 1):
        for replica in ids(stack):
            before = workers(stack, replica)
            hang_up(stack, replica)
            wait_until(lambda replica=replica, before=before: others(stack, replica, before, set()))
        answer_again(stack)


@pytest.mark.profile("recycling")
def test_recycled_workers(stack: Stack) -> None:
    """Workers that end after so many requests, some at any time, hand over without losing one."""
    replicas = ids(stack)
    seen: dict[str, set[int]] = {replica: set() for replica in replicas}

    def recycled() -> bool:
        for replica in replicas:
            seen[replica] |= workers(stack, replica)
        return all(len(pids) >= WORKERS * GENERATIONS for pids in seen.values())

    with constant_rate(stack, RATE, 1):
        wait_until(recycled)

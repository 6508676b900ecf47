"""Tests that no request fails while parts of the stack are killed, restarted, changed or scaled under traffic."""

import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.budget import budget
from tests.support.replicas import (
    count_retries,
    count_worker_starts,
    hang_up,
    list_replicas,
    list_workers,
    signal_process,
)
from tests.support.stack import Stack
from tests.support.traffic import Traffic, constant_rate
from tests.support.waiting import wait_until

RATE = budget(100, 200)  # requests per second
IN_FLIGHT = RATE // 10  # minimum at the time of each fault
TIMES = budget(1, 5)
pytestmark = pytest.mark.profile("faults")


def find_upstreams(stack: Stack, since: int) -> set[str]:
    """Return the replicas that answered requests after a line of nginx's log."""
    records = stack.records("nginx/access.log", since)
    return {record["upstream"] for record in records if record["upstream_status"] == "200"}


def wait_for_load(traffic: Traffic) -> None:
    """Wait until enough requests are in flight."""
    wait_until(lambda: traffic.in_flight >= IN_FLIGHT)


def test_killed_workers(stack: Stack) -> None:
    """A worker killed during its requests is replaced, and other workers answer its requests."""
    before, retried = count_worker_starts(stack), count_retries(stack)
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for number in range(1, TIMES + 1):
            replica = list_replicas(stack)[number % 2]
            worker = min(list_workers(stack, replica))
            wait_for_load(traffic)
            signal_process(stack, replica, "KILL", worker)
            wait_until(lambda number=number: count_worker_starts(stack) >= before + number)
    assert count_retries(stack) > retried


def test_killed_replicas(stack: Stack) -> None:
    """A killed replica is restarted, and the other replica answers its requests."""
    retried = count_retries(stack)
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for number in range(TIMES):
            container = stack.containers("api")[number % 2]
            wait_for_load(traffic)
            stack.run("docker", "exec", container["Id"], "sh", "-c", "kill -KILL -1")
            again = container["RestartCount"] + 1
            wait_until(
                lambda container=container, again=again: (
                    again == next(c["RestartCount"] for c in stack.containers("api") if c["Id"] == container["Id"])
                )
            )
            wait_until(lambda: stack.healthy("api") == 2)
            since = stack.count("nginx/access.log")
            wait_until(lambda since=since: len(find_upstreams(stack, since)) == 2)  # nginx has rediscovered the replica
    assert count_retries(stack) > retried


def test_recreated_replicas(stack: Stack) -> None:
    """No request fails while a replica is removed and recreated."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for _ in range(TIMES):
            old = list_replicas(stack)
            wait_for_load(traffic)
            stack.run("docker", "rm", "--force", old[0])
            stack.make("up")
            assert old[0] not in list_replicas(stack)
            assert 2 == stack.healthy("api")


def test_rolling_updates(stack: Stack) -> None:
    """`make up` with a changed setting replaces every replica without a failed request."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for _ in range(TIMES):
            old = set(list_replicas(stack))
            stack.set(ALERT_SUBJECT=secrets.token_hex(4))
            wait_for_load(traffic)
            stack.make("up")
            assert set() == old & set(list_replicas(stack))
            assert 2 == stack.healthy("api")


def list_images(stack: Stack) -> set[str]:
    """Return the images of the replicas."""
    return {container["Image"] for container in stack.containers("api")}


@contextmanager
def watch_replicas(stack: Stack) -> Iterator[list[tuple[int, int]]]:
    """Poll the numbers of running and healthy replicas while the block runs, and yield the list of samples."""
    ours = (f"project={stack.project}", "service=api")
    filters = [f"--filter=label=com.docker.compose.{label}" for label in ours]
    looks: list[tuple[int, int]] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            finished = stack.run("docker", "ps", "--format={{.Status}}", *filters)
            assert 0 == finished.returncode, finished.stderr
            states = finished.stdout.splitlines()
            looks.append((len(states), sum("(healthy)" in state for state in states)))

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield looks
        finally:
            over.set()
        looking.result()


def test_rolling_code(stack: Stack) -> None:
    """`make up` with changed code replaces the replicas with a new image, while two replicas are always healthy."""
    (usual,) = list_images(stack)
    name = f"{stack.project}-before"  # the test removes this tag only, because other stacks may use the image
    stack.run("docker", "tag", usual, name)
    try:
        with (stack.folder / "services/api/src/income_tax/__init__.py").open("a") as source:
            source.write("\n# A change.\n")
        with constant_rate(stack, RATE, IN_FLIGHT) as traffic, watch_replicas(stack) as looks:
            wait_for_load(traffic)
            stack.make("up")
            (changed,) = list_images(stack)
            assert 2 == stack.healthy("api")
    finally:
        stack.run("docker", "image", "rm", name)
    assert usual != changed
    assert {2, 3} == {running for running, _ in looks}
    assert 2 == min(healthy for _, healthy in looks)


def test_scaling(stack: Stack) -> None:
    """Scaling from two to four replicas and back loses no request, and nginx discovers the new replicas."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for _ in range(TIMES):
            for replicas in (4, 2):
                wait_for_load(traffic)
                stack.make("up", f"REPLICAS={replicas}")
                assert replicas == stack.healthy("api")
                since = stack.count("nginx/access.log")
                wait_until(
                    lambda since=since, replicas=replicas: len(find_upstreams(stack, since)) == replicas,
                )


def test_hangups(stack: Stack) -> None:
    """SIGHUP replaces the workers of a replica without a failed request."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for number in range(TIMES):
            before = count_worker_starts(stack)
            wait_for_load(traffic)
            hang_up(stack, list_replicas(stack)[number % 2])
            wait_until(lambda before=before: count_worker_starts(stack) >= before + 2)


@pytest.mark.profile("slow_recycling")
def test_recycled_workers(stack: Stack) -> None:
    """Workers that end after MAX_REQUESTS requests lose no request."""
    before = count_worker_starts(stack)
    with constant_rate(stack, RATE, IN_FLIGHT):
        wait_until(lambda: count_worker_starts(stack) >= before + 10)

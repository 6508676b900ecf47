"""Tests that no request fails while workers or replicas are killed, restarted, changed or scaled."""

import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.budget import budget
from tests.support.pages import load
from tests.support.replicas import (
    count_retries,
    count_worker_starts,
    disconnected,
    frozen,
    hang_up,
    has_unread_request,
    list_replicas,
    list_workers,
    signal_process,
)
from tests.support.stack import Stack
from tests.support.traffic import Traffic, constant_rate
from tests.support.waiting import wait_until

RATE = budget(100, 200)  # requests per second
IN_FLIGHT = RATE // 10  # minimum number of requests in flight at each fault
TIMES = budget(1, 5)
BATCH = "married,children,salary\n" + "yes,3,200000\n" * 200
pytestmark = pytest.mark.profile("faults")


def find_upstreams(stack: Stack, since: int) -> set[str]:
    """Return the replicas whose successful answers nginx logged after line `since` of its access log."""
    records = stack.records("nginx/access.log", since)
    return {record["upstream"] for record in records if record["upstream_status"] == "200"}


def wait_for_load(traffic: Traffic) -> None:
    """Wait until at least IN_FLIGHT requests are in flight."""
    wait_until(lambda: traffic.in_flight >= IN_FLIGHT)


def test_killed_workers(stack: Stack) -> None:
    """If a worker is killed during its requests, other workers answer the requests, and a new worker starts."""
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
    """If a replica is killed, the other replica answers all requests, and Docker restarts the killed replica."""
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
            # Wait until nginx uses the restarted replica again.
            wait_until(lambda since=since: len(find_upstreams(stack, since)) == 2)
    assert count_retries(stack) > retried


def wait_for_requests(traffic: Traffic, count: int) -> None:
    """Wait until the client has sent `count` further requests."""
    enough = traffic.sent + count
    wait_until(lambda: traffic.sent >= enough)


def list_answers_of_pages(stack: Stack, credentials: str) -> set[int]:
    """Ask for each page several times, so that each replica is asked, and return the statuses."""
    paths = ("/health/ready", "/docs", "/status") * 4
    return {load(stack.http_port, path, credentials).status for path in paths}


@pytest.mark.profile("floods")
def test_frozen_replicas(stack: Stack) -> None:
    """If a replica is frozen, another replica answers all requests and shows all pages."""
    retried, credentials = count_retries(stack), stack.credentials
    for number in range(TIMES):
        replica = list_replicas(stack)[number % 2]
        with constant_rate(stack, RATE, 1) as traffic:
            wait_for_requests(traffic, 2 * RATE)  # lets each worker check the password
            with frozen(stack, replica):
                assert {200} == list_answers_of_pages(stack, credentials)
                wait_for_requests(traffic, 10 * RATE)
        wait_until(lambda: stack.healthy("api") == 2)
    assert count_retries(stack) > retried


@pytest.mark.profile("floods")
def test_batches_are_calculated_once(stack: Stack) -> None:
    """If all replicas are frozen during a batch, nginx waits for one of them, and no other calculates the batch."""
    request_id, credentials = f"batch-{secrets.token_hex(8)}", stack.credentials
    headers = {"Content_Type": "text/csv", "X_Request_ID": request_id}
    with ThreadPoolExecutor(1) as pool:
        with frozen(stack, *list_replicas(stack)):
            begun, answer = time.monotonic(), pool.submit(load, stack.http_port, "/", credentials, BATCH, **headers)
            # Wait for more than two RETRY_TIMEOUTs. nginx would otherwise have sent the batch to both replicas by then.
            wait_until(lambda: time.monotonic() > begun + 2)
        assert 200 == answer.result().status
    events = [record["event"] for record in stack.records("api/api.log", holding=request_id)]
    assert (1, 1) == (events.count("request"), events.count("answer"))


@pytest.mark.profile("floods")
def test_batches_of_a_replica_without_a_network(stack: Stack) -> None:
    """If a replica loses its network during a batch, the other replica calculates the batch."""
    credentials, retried = stack.credentials, count_retries(stack)
    first, second = list_replicas(stack)

    def post() -> int:
        return load(stack.http_port, "/", credentials, BATCH, Content_Type="text/csv").status

    with ThreadPoolExecutor(2) as pool, frozen(stack, first):
        with frozen(stack, second):
            answers = [pool.submit(post) for _ in range(2)]  # one for each replica
            wait_until(lambda: has_unread_request(stack, first) and has_unread_request(stack, second))
        with disconnected(stack, first):
            assert [200, 200] == [answer.result() for answer in answers]
    wait_until(lambda: stack.healthy("api") == 2)
    assert count_retries(stack) > retried


@pytest.mark.profile("floods")
def test_replicas_without_a_network(stack: Stack) -> None:
    """If a replica loses its network, the other replica answers all requests."""
    for number in range(TIMES):
        replica = list_replicas(stack)[number % 2]
        with constant_rate(stack, RATE, 1) as traffic:
            wait_for_requests(traffic, 2 * RATE)  # lets each worker check the password
            with disconnected(stack, replica):
                wait_for_requests(traffic, 5 * RATE)
            since = stack.count("nginx/access.log")
            wait_until(lambda since=since: len(find_upstreams(stack, since)) == 2)


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
    """If a setting has changed, `make up` replaces every replica, and no request fails."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for _ in range(TIMES):
            old = set(list_replicas(stack))
            stack.set(ALERT_SUBJECT=secrets.token_hex(4))
            wait_for_load(traffic)
            stack.make("up")
            assert set() == old & set(list_replicas(stack))
            assert 2 == stack.healthy("api")


def list_images(stack: Stack) -> set[str]:
    """Return the image ids of the replicas."""
    return {container["Image"] for container in stack.containers("api")}


@contextmanager
def watch_replicas(stack: Stack) -> Iterator[list[tuple[int, int]]]:
    """Record the numbers of running and healthy replicas every 0.2 s, and yield the growing list of these pairs."""
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
    """If the code has changed, `make up` replaces the replicas, and at least two replicas are healthy at any time."""
    (usual,) = list_images(stack)
    name = f"{stack.project}-before"  # the test removes only this tag, because other stacks might use the image
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
    """No request fails during scaling from two to four replicas and back, and nginx uses the new replicas."""
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
    """No request fails while SIGHUP replaces the workers of a replica."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for number in range(TIMES):
            before = count_worker_starts(stack)
            wait_for_load(traffic)
            hang_up(stack, list_replicas(stack)[number % 2])
            wait_until(lambda before=before: count_worker_starts(stack) >= before + 2)


@pytest.mark.profile("slow_recycling")
def test_recycled_workers(stack: Stack) -> None:
    """No request fails while workers end after MAX_REQUESTS requests and are replaced."""
    before = count_worker_starts(stack)
    with constant_rate(stack, RATE, IN_FLIGHT):
        wait_until(lambda: count_worker_starts(stack) >= before + 10)

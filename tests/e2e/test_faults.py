"""No request fails while parts of the stack die, come back, change or multiply under traffic."""

import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage

import pytest

from tests.support.budget import budget
from tests.support.inbox import Inbox
from tests.support.stack import Stack
from tests.support.traffic import Traffic, constant_rate
from tests.support.waiting import wait_until

RATE = budget(100, 200)  # requests a second
IN_FLIGHT = RATE // 10  # at the moment of each fault
TIMES = budget(1, 5)
NO_DATABASE = "without its database"
pytestmark = pytest.mark.profile("faults")


def ids(stack: Stack) -> list[str]:
    return [c["Id"] for c in stack.containers("api") if c["State"]["Running"]]


def retries(stack: Stack) -> int:
    """How many requests nginx had to send twice."""
    return stack.count("nginx/access.log", '"upstream_status":"[^"]*,')


def boots(stack: Stack) -> int:
    """How many workers have been started."""
    return stack.count("api/api.log", "Booting worker")


# In a container: its first process is Docker's init, gunicorn's master its child, the workers the master's.
KILL_A_WORKER = """
import os, signal
from contextlib import suppress
from pathlib import Path
parents = {}
for status in Path("/proc").glob("[0-9]*/stat"):
    with suppress(OSError):  # that of a health check, which has ended meanwhile
        pid, _, rest = status.read_text().partition(" (")
        parents[int(pid)] = int(rest.rpartition(") ")[2].split()[1])
masters = [pid for pid, parent in parents.items() if parent == 1 and pid in parents.values()]
os.kill(min(pid for pid, parent in parents.items() if parent == masters[0]), signal.SIGKILL)
"""


def upstreams(stack: Stack, since: int) -> set[str]:
    """The replicas that have answered requests since a line of nginx's log."""
    records = stack.records("nginx/access.log", since)
    return {record["upstream"] for record in records if record["upstream_status"] == "200"}


def in_flight(traffic: Traffic) -> None:
    wait_until(lambda: traffic.in_flight >= IN_FLIGHT)


def test_killed_workers(stack: Stack) -> None:
    """A worker killed in the middle of its requests is replaced, and its requests are answered by others."""
    before, retried = boots(stack), retries(stack)
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for number in range(1, TIMES + 1):
            container = ids(stack)[number % 2]
            in_flight(traffic)
            killed = stack.run("docker", "exec", container, "python", "-c", KILL_A_WORKER)
            assert 0 == killed.returncode, killed.stderr
            wait_until(lambda number=number: boots(stack) >= before + number)
    assert retries(stack) > retried


def test_killed_replicas(stack: Stack) -> None:
    """A replica killed at once is started again, and its requests are answered by the other."""
    retried = retries(stack)
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for number in range(TIMES):
            container = stack.containers("api")[number % 2]
            in_flight(traffic)
            stack.run("docker", "exec", container["Id"], "sh", "-c", "kill -9 -1")
            again = container["RestartCount"] + 1
            wait_until(
                lambda container=container, again=again: (
                    again == next(c["RestartCount"] for c in stack.containers("api") if c["Id"] == container["Id"])
                )
            )
            wait_until(lambda: stack.healthy("api") == 2)
            since = stack.count("nginx/access.log")
            wait_until(lambda since=since: len(upstreams(stack, since)) == 2)  # nginx has found it again
    assert retries(stack) > retried


def test_recreated_replicas(stack: Stack) -> None:
    """A replica that is removed and made anew costs no request."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for _ in range(TIMES):
            old = ids(stack)
            in_flight(traffic)
            stack.run("docker", "rm", "--force", old[0])
            stack.make("up")
            assert old[0] not in ids(stack)
            assert 2 == stack.healthy("api")


def test_rolling_updates(stack: Stack) -> None:
    """`make up` with a change replaces every replica, one at a time."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for _ in range(TIMES):
            old = set(ids(stack))
            stack.set(ALERT_SUBJECT=secrets.token_hex(4))
            in_flight(traffic)
            stack.make("up")
            assert set() == old & set(ids(stack))
            assert 2 == stack.healthy("api")


def images(stack: Stack) -> set[str]:
    """The images that the replicas run."""
    return {container["Image"] for container in stack.containers("api")}


@contextmanager
def watched(stack: Stack) -> Iterator[list[tuple[int, int]]]:
    """How many replicas run and how many of them are healthy, looked at again and again while the block runs."""
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
    """`make up` with changed code replaces the replicas by ones of a new image; at any time two are healthy."""
    (usual,) = images(stack)
    name = f"{stack.project}-before"  # it may be another stack's too: removed by a name, not by its id
    stack.run("docker", "tag", usual, name)
    try:
        with (stack.folder / "services/api/src/income_tax/__init__.py").open("a") as source:
            source.write("\n# A change.\n")
        with constant_rate(stack, RATE, IN_FLIGHT) as traffic, watched(stack) as looks:
            in_flight(traffic)
            stack.make("up")
            (changed,) = images(stack)
            assert 2 == stack.healthy("api")
    finally:
        stack.run("docker", "image", "rm", name)
    assert usual != changed
    assert {2, 3} == {running for running, _ in looks}
    assert 2 == min(healthy for _, healthy in looks)


def test_scaling(stack: Stack) -> None:
    """From two replicas to four, which nginx finds by itself, and back."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for _ in range(TIMES):
            for replicas in (4, 2):
                in_flight(traffic)
                stack.make("up", f"REPLICAS={replicas}")
                assert replicas == stack.healthy("api")
                since = stack.count("nginx/access.log")
                wait_until(
                    lambda since=since, replicas=replicas: len(upstreams(stack, since)) == replicas,
                )


def hang_up(stack: Stack, replica: str) -> None:
    """Send SIGHUP to gunicorn from within: a container that Docker has sent a signal to is not restarted any more."""
    sent = stack.run("docker", "exec", replica, "sh", "-c", "kill -HUP 1")  # Docker's init passes it on
    assert 0 == sent.returncode, sent.stderr


def test_hangups(stack: Stack) -> None:
    """SIGHUP replaces the workers of a replica."""
    with constant_rate(stack, RATE, IN_FLIGHT) as traffic:
        for number in range(TIMES):
            before = boots(stack)
            in_flight(traffic)
            hang_up(stack, ids(stack)[number % 2])
            wait_until(lambda before=before: boots(stack) >= before + 2)


@pytest.mark.profile("slow_recycling")
def test_recycled_workers(stack: Stack) -> None:
    """Workers that end after so many requests hand over without losing one."""
    before = boots(stack)
    with constant_rate(stack, RATE, IN_FLIGHT):
        wait_until(lambda: boots(stack) >= before + 10)


@pytest.mark.profile("operations")
@pytest.mark.both_databases
def test_database_stops_and_returns(stack: Stack) -> None:
    """Without its database the service goes on and says so, also by mail, once until it is over; so do new replicas."""
    credentials = stack.credentials
    with constant_rate(stack, RATE, 1):
        for number in range(TIMES):
            inbox = Inbox(stack)
            stack.compose("stop", "db")
            wait_until(lambda: degraded(stack))
            (lost,) = wait_until(lambda inbox=inbox: inbox.mails(NO_DATABASE))
            if number == 0:
                restarted = ids(stack)[0]
                stack.run("docker", "restart", restarted)
                wait_until(lambda: stack.healthy("api") == 2)
                wait_until(lambda: degraded(stack))  # its workers have said so too: nobody will when it is over
            stack.compose("start", "db")
            wait_until(lambda: stack.healthy("db") == 1)
            wait_until(lambda: well(stack))
            recovered = told_it_is_over(inbox, lost)
            assert "Recovered: it works again." in recovered.get_content()
            assert f"The tax service goes on {NO_DATABASE}." in lost.get_content()
    assert 200 == stack.get("/?married=yes&children=3&salary=200000", credentials).status


def told_it_is_over(inbox: Inbox, lost: EmailMessage) -> EmailMessage:
    """The only mail that follows one about a loss, of the same incident."""

    def others() -> list[EmailMessage]:
        return [mail for mail in inbox.mails(NO_DATABASE) if mail["Message-ID"] != lost["Message-ID"]]

    (recovered,) = wait_until(others)
    assert f"{lost['Subject']} [recovered]" == recovered["Subject"]
    assert lost["Message-ID"].replace(".1@", ".2@") == recovered["Message-ID"]
    return recovered


def readiness(stack: Stack) -> list[bool]:
    """What 20 answers say of being degraded; each comes from any of the workers."""
    return [bool(stack.get("/health/ready").body["response"]["degraded"]) for _ in range(20)]


def degraded(stack: Stack) -> bool:
    """Whether all workers say that they are."""
    return all(readiness(stack))


def well(stack: Stack) -> bool:
    """Whether none says so."""
    return not any(readiness(stack))

"""No request fails while parts of the stack die, come back, change or multiply under traffic."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage

import pytest

from tests.support.inbox import Inbox
from tests.support.stack import Stack
from tests.support.traffic import Traffic, constant_rate
from tests.support.waiting import wait_until

RATE = 200  # requests a second
IN_FLIGHT = 20  # at the moment of each fault
TIMES = 5
NO_DATABASE = "without its database"
SETTINGS = {"SLEEP_TIME": "0.4", "API_THREADS": "32"}  # half of the requests pause: 40 are in flight on average


@pytest.fixture(scope="module")
def paused(stack: Stack) -> Iterator[Stack]:
    """The stack, with requests that take their time."""
    with stack.changed(**SETTINGS, LOG_MAX_SIZE="1024"):
        stack.make("rotate")  # lines are counted here: from a short log, which nothing sets aside meanwhile
        yield stack
        stack.make("rotate")  # nor the long one while others count


only_postgres = pytest.mark.parametrize("stack", ["postgres"], indirect=True, scope="session")


def ids(stack: Stack) -> list[str]:
    return [c["Id"] for c in stack.containers("api") if c["State"]["Running"]]


def retries(stack: Stack) -> int:
    """How many requests nginx had to send twice."""
    return sum("," in record["upstream_status"] for record in stack.records("nginx/access.log"))


def boots(stack: Stack) -> int:
    """How many workers have been started."""
    return sum(record["event"].startswith("Booting worker") for record in stack.records("api/api.log"))


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
    records = stack.records("nginx/access.log")[since:]
    return {record["upstream"] for record in records if record["upstream_status"] == "200"}


def in_flight(traffic: Traffic) -> None:
    wait_until(lambda: traffic.in_flight >= IN_FLIGHT)


@only_postgres
def test_killed_workers(paused: Stack) -> None:
    """A worker killed in the middle of its requests is replaced, and its requests are answered by others."""
    before, retried = boots(paused), retries(paused)
    with constant_rate(paused, RATE, IN_FLIGHT) as traffic:
        for number in range(1, TIMES + 1):
            container = ids(paused)[number % 2]
            in_flight(traffic)
            killed = paused.run("docker", "exec", container, "python", "-c", KILL_A_WORKER)
            assert 0 == killed.returncode, killed.stderr
            wait_until(lambda number=number: boots(paused) >= before + number)
    assert retries(paused) > retried


@only_postgres
def test_killed_replicas(paused: Stack) -> None:
    """A replica killed at once is started again, and its requests are answered by the other."""
    retried = retries(paused)
    with constant_rate(paused, RATE, IN_FLIGHT) as traffic:
        for number in range(TIMES):
            container = paused.containers("api")[number % 2]
            in_flight(traffic)
            paused.run("docker", "exec", container["Id"], "sh", "-c", "kill -9 -1")
            again = container["RestartCount"] + 1
            wait_until(
                lambda container=container, again=again: (
                    again == next(c["RestartCount"] for c in paused.containers("api") if c["Id"] == container["Id"])
                )
            )
            wait_until(lambda: paused.healthy("api") == 2)
            since = len(paused.lines("nginx/access.log"))
            wait_until(lambda since=since: len(upstreams(paused, since)) == 2)  # nginx has found it again
    assert retries(paused) > retried


@only_postgres
def test_recreated_replicas(paused: Stack) -> None:
    """A replica that is removed and made anew costs no request."""
    with constant_rate(paused, RATE, IN_FLIGHT) as traffic:
        for _ in range(TIMES):
            old = ids(paused)
            in_flight(traffic)
            paused.run("docker", "rm", "--force", old[0])
            paused.make("up")
            assert old[0] not in ids(paused)
            assert 2 == paused.healthy("api")


@only_postgres
def test_rolling_updates(paused: Stack) -> None:
    """`make up` with a change replaces every replica, one at a time."""
    with constant_rate(paused, RATE, IN_FLIGHT) as traffic:
        for number in range(TIMES):
            old = set(ids(paused))
            paused.set(ALERT_SUBJECT=f"subject-{number}")
            in_flight(traffic)
            paused.make("up")
            assert set() == old & set(ids(paused))
            assert 2 == paused.healthy("api")


def images(stack: Stack) -> set[str]:
    """The images that the replicas run."""
    return {container["Image"] for container in stack.containers("api")}


@contextmanager
def changed_code(stack: Stack) -> Iterator[None]:
    """The stack with a changed source file, up; afterwards with the file as it was, and without that image."""
    source = stack.folder / "services/api/src/income_tax/__init__.py"
    usual = source.read_text()
    source.write_text(usual + "\n# A change.\n")
    try:
        stack.make("up")
        yield
    finally:
        image = stack.run("docker", "image", "inspect", "--format={{.Id}}", f"{stack.project}-api").stdout.strip()
        source.write_text(usual)
        stack.make("up")
        stack.run("docker", "image", "rm", image)  # has no name now, by which `make clean` would find it


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


@only_postgres
def test_rolling_code(paused: Stack) -> None:
    """`make up` with changed code replaces the replicas by ones of a new image; at any time two are healthy."""
    usual = images(paused)
    with constant_rate(paused, RATE, IN_FLIGHT) as traffic, watched(paused) as looks:
        in_flight(traffic)
        with changed_code(paused):
            changed = images(paused)
            assert 2 == paused.healthy("api")
            in_flight(traffic)
        assert 2 == paused.healthy("api")
    assert [1, 1] == [len(usual), len(changed)]
    assert set() == changed & (usual | images(paused))
    assert {2, 3} == {running for running, _ in looks}
    assert 2 == min(healthy for _, healthy in looks)


@only_postgres
def test_scaling(paused: Stack) -> None:
    """From two replicas to four and back."""
    with constant_rate(paused, RATE, IN_FLIGHT) as traffic:
        for _ in range(TIMES):
            for replicas in (4, 2):
                in_flight(traffic)
                paused.make("up", f"REPLICAS={replicas}")
                assert replicas == paused.healthy("api")


@only_postgres
def test_hangups(paused: Stack) -> None:
    """SIGHUP replaces the workers of a replica."""
    with constant_rate(paused, RATE, IN_FLIGHT) as traffic:
        for number in range(TIMES):
            before = boots(paused)
            in_flight(traffic)
            paused.run("docker", "kill", "--signal", "HUP", ids(paused)[number % 2])
            wait_until(lambda before=before: boots(paused) >= before + 2)


@only_postgres
def test_recycled_workers(paused: Stack) -> None:
    """Workers that end after so many requests hand over without losing one."""
    with paused.changed(MAX_REQUESTS="100"):
        before = boots(paused)
        with constant_rate(paused, RATE, IN_FLIGHT):
            wait_until(lambda: boots(paused) >= before + 2 * TIMES)


def test_database_stops_and_returns(paused: Stack) -> None:
    """Without its database the service goes on and says so, also by mail, once until it is over; so do new replicas."""
    credentials = paused.credentials
    with constant_rate(paused, RATE, IN_FLIGHT) as traffic:
        for number in range(TIMES):
            in_flight(traffic)
            inbox = Inbox(paused)
            paused.compose("stop", "db")
            wait_until(lambda: degraded(paused))
            (lost,) = wait_until(lambda inbox=inbox: inbox.mails(NO_DATABASE))
            if number == 0:
                restarted = ids(paused)[0]
                paused.run("docker", "restart", restarted)
                wait_until(lambda: paused.healthy("api") == 2)
                wait_until(lambda: degraded(paused))  # its workers have said so too: nobody will when it is over
            paused.compose("start", "db")
            wait_until(lambda: paused.healthy("db") == 1)
            wait_until(lambda: well(paused))
            recovered = told_it_is_over(inbox, lost)
            assert "Recovered: it works again." in recovered.get_content()
            assert f"The tax service goes on {NO_DATABASE}." in lost.get_content()
    assert 200 == paused.get("/?married=yes&children=3&salary=200000", credentials).status


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

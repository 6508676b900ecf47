"""Tests of the stack's alerts under every fault of its mail server."""

import subprocess
from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from typing import Any

import pytest

from tests.support.budget import budget
from tests.support.service import flood
from tests.support.smtp import FaultySmtp, failures_in
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.xdist_group("mailing")
SETTINGS = {"DRILL_ROUTE": "on", "ALERT_QUIET": "5", "ALERT_REPEAT": "1", "SMTP_TIMEOUT": "60"}

UNTOLD = """
import sqlite3
spool = sqlite3.connect("/state/alerts/spool.sqlite")
counts = "SELECT count(*) FROM incidents WHERE NOT closed", "SELECT count(*) FROM letters WHERE state = 'pending'"
print(sum(spool.execute(count).fetchone()[0] for count in counts))
"""


# On a stalled machine the service may also mail about its database.
OF_DRILLS = "request: GET /drill"


@pytest.fixture(scope="module", params=budget(["postgres"], ["postgres", "mysql"]))
def database(request: pytest.FixtureRequest) -> str:
    """Return the database of the mailing stack."""
    return str(request.param)


@pytest.fixture(scope="module")
def smtp(database: str) -> Iterator[FaultySmtp]:
    """Run a faulty SMTP server for each stack.

    The server listens on the gateway of Docker's default network, which containers can reach.
    """
    inspect = ("docker", "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
    gateway = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()
    with FaultySmtp(host=gateway) as server:
        yield server


@pytest.fixture(scope="module")
def mailing(database: str, smtp: FaultySmtp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a separate stack that mails to the faulty server."""
    server = {"SMTP_HOST": smtp.host, "SMTP_PORT": str(smtp.port)}
    with Stack.running(tmp_path_factory.mktemp("mailing"), database, **SETTINGS, **server) as running:
        yield running


def tell_all(stack: Stack) -> None:
    """Wait until every failure and every recovery has been mailed."""
    wait_until(lambda: stack.output("api", "python", "-c", UNTOLD).strip() == "0")


def kill_and_start(stack: Stack) -> None:
    """Kill all processes of the API at once, as in a crash of the machine, and start them again."""
    try:
        stack.compose("kill", "api")
    finally:
        stack.make("up")


def fail(stack: Stack, count: int) -> None:
    """Send `count` requests that fail with a 500."""
    assert [500] * count == flood(stack.http_port, stack.credentials, ["/drill"] * count, 4)


def records(stack: Stack, event: str, since: int) -> list[dict[str, Any]]:
    """Return the records of an event after line `since` of the API's log."""
    return [record for record in stack.records("api/api.log", since) if record["event"] == event]


def test_answers_do_not_wait_for_a_server_that_hangs(mailing: Stack, smtp: FaultySmtp) -> None:
    """While the mail server hangs, failed requests are answered. Afterwards every failure is mailed."""
    tell_all(mailing)
    before = mailing.count("api/api.log")
    smtp.release.clear()
    smtp.set("hang")
    fail(mailing, 1)
    wait_until(lambda: "hang" == smtp.attempts.get(timeout=30))  # after earlier attempts, if any
    fail(mailing, 30)
    assert [] == records(mailing, "alert sent", before) + records(mailing, "alert not sent", before)
    smtp.set("")
    smtp.release.set()
    smtp.mails_counting(31, OF_DRILLS)


@pytest.mark.parametrize("fault", ["451", "reset", "refuse"])
def test_every_alert_arrives_after_the_fault(mailing: Stack, smtp: FaultySmtp, fault: str) -> None:
    """After the fault, the server receives mails that report every failure."""
    before = mailing.count("api/api.log")
    smtp.set(fault)
    fail(mailing, 10)
    wait_until(lambda: records(mailing, "alert not sent", before))
    smtp.set("")
    smtp.mails_counting(10, OF_DRILLS)


def test_a_killed_service_tells_what_a_hanging_server_has_not_taken(mailing: Stack, smtp: FaultySmtp) -> None:
    """A service that was killed during a mail, and restarted while the server hangs, later mails every failure."""
    smtp.release.clear()
    smtp.set("hang")
    fail(mailing, 10)
    wait_until(lambda: "hang" == smtp.attempts.get(timeout=30))  # after attempts of earlier tests
    kill_and_start(mailing)
    assert "hang" == smtp.attempts.get(timeout=60)  # an attempt of the restarted service
    smtp.set("")
    smtp.release.set()
    assert 10 == sum(map(failures_in, smtp.mails_counting(10, OF_DRILLS)))


@pytest.mark.parametrize("is_killed", [False, True], ids=["living", "killed"])
def test_refused_mails_are_kept(mailing: Stack, smtp: FaultySmtp, is_killed: bool) -> None:
    """A permanently rejected mail is logged and saved as a dead letter, and the other failures are mailed."""
    tell_all(mailing)  # else the server might reject a mail of the previous test
    before, kept = mailing.count("api/api.log"), dead_letters(mailing)
    smtp.set("550")
    fail(mailing, 10)
    wait_until(lambda: records(mailing, "alert refused", before))
    if is_killed:
        fail(mailing, 10)  # some or all of these failures are in no mail yet
        kill_and_start(mailing)
    smtp.set("")
    failures: dict[str, int] = {}  # by Message-ID, because a mail rejected at the time of the kill may be sent again

    def list_dead_letters() -> set[str]:
        return {record["dead_letter"] for record in records(mailing, "alert refused", before)}

    def count_failures() -> int:
        dead = [mailing.output("api", "cat", name) for name in list_dead_letters()]
        mails = [message_from_string(text, policy=default) for text in dead]
        while not smtp.mails.empty():
            mails.append(smtp.mails.get())
        drills = [mail for mail in mails if OF_DRILLS in mail.get_content()]
        failures.update({mail["Message-ID"]: failures_in(mail) for mail in drills})
        return sum(failures.values())

    wait_until(lambda: count_failures() == (20 if is_killed else 10))
    assert list_dead_letters() <= dead_letters(mailing) - kept


def dead_letters(stack: Stack) -> set[str]:
    """Return the paths of the dead letters."""
    find = ("sh", "-c", "find /state/alerts -path '*/dead/*.eml'")  # the folder is created with the first dead letter
    return set(stack.output("api", *find).split())

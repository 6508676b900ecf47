"""Tests of the stack's alerts during each kind of fault of the mail server."""

import subprocess
from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from typing import Any

import pytest

from tests.support.budget import budget
from tests.support.service import flood
from tests.support.smtp import FaultySmtp, failures_in
from tests.support.stack import Stack, take_turn
from tests.support.waiting import wait_until

pytestmark = pytest.mark.xdist_group("mailing")
SETTINGS = {
    "DRILL_ROUTE": "on",
    "ALERT_QUIET": "5",
    "ALERT_REPEAT": "1",
    "SMTP_TIMEOUT": "60",
    "SMTP_REFUSED_SPAN": "1",
}

COUNT_PENDING = """
import sqlite3
spool = sqlite3.connect("/state/alerts/spool.sqlite")
counts = "SELECT count(*) FROM incidents WHERE NOT closed", "SELECT count(*) FROM letters WHERE state = 'pending'"
print(sum(spool.execute(count).fetchone()[0] for count in counts))
"""


# Selects the mails about drills, because a stalled machine can also cause mails about the database.
OF_DRILLS = "request: GET /drill"


@pytest.fixture(scope="module", params=budget(["postgres"], ["postgres", "mysql"]))
def database(request: pytest.FixtureRequest) -> str:
    """Return the name of the mailing stack's database."""
    return str(request.param)


@pytest.fixture(scope="module")
def smtp(database: str) -> Iterator[FaultySmtp]:
    """Run a faulty SMTP server for the stack of each database.

    The server listens on the gateway address of Docker's default network, because containers can reach this address.
    """
    inspect = ("docker", "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
    gateway = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()
    with FaultySmtp(host=gateway) as server:
        yield server


@pytest.fixture(scope="module")
def mailing(database: str, smtp: FaultySmtp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a separate stack that sends its mails to the faulty server."""
    server = {"SMTP_HOST": smtp.host, "SMTP_PORT": str(smtp.port)}
    with take_turn(), Stack.running(tmp_path_factory.mktemp("mailing"), database, **SETTINGS, **server) as running:
        yield running


def wait_until_all_mailed(stack: Stack) -> None:
    """Wait until every failure and every recovery has been mailed."""
    wait_until(lambda: stack.output("api", "python", "-c", COUNT_PENDING).strip() == "0")


def kill_and_start(stack: Stack) -> None:
    """Kill all containers of the API simultaneously, to simulate a crash of the machine, and start the API again."""
    try:
        stack.compose("kill", "api")
    finally:
        stack.make("up")


def fail(stack: Stack, count: int) -> None:
    """Send `count` requests to the drill route, and assert that each gets a 500."""
    assert [500] * count == flood(stack.http_port, stack.credentials, ["/drill"] * count, 4)


def records(stack: Stack, event: str, since: int) -> list[dict[str, Any]]:
    """Return the records of an event after line `since` of the API's log."""
    return [record for record in stack.records("api/api.log", since) if record["event"] == event]


def test_responses_do_not_wait_for_a_hanging_mail_server(mailing: Stack, smtp: FaultySmtp) -> None:
    """While the mail server hangs, the API still answers requests that fail. Afterwards it mails every failure."""
    wait_until_all_mailed(mailing)
    before = mailing.count("api/api.log")
    smtp.release.clear()
    smtp.set("hang")
    fail(mailing, 1)
    wait_until(lambda: "hang" == smtp.attempts.get(timeout=30))  # skips earlier attempts
    fail(mailing, 30)
    assert [] == records(mailing, "alert sent", before) + records(mailing, "alert not sent", before)
    smtp.set("")
    smtp.release.set()
    smtp.mails_counting(31, OF_DRILLS)


@pytest.mark.parametrize("fault", ["451", "reset", "refuse"])
def test_every_failure_is_mailed_after_the_fault(mailing: Stack, smtp: FaultySmtp, fault: str) -> None:
    """After a fault of the mail server, the API mails every failure."""
    before = mailing.count("api/api.log")
    smtp.set(fault)
    fail(mailing, 10)
    wait_until(lambda: records(mailing, "alert not sent", before))
    smtp.set("")
    smtp.mails_counting(10, OF_DRILLS)


def test_a_killed_service_mails_every_failure_later(mailing: Stack, smtp: FaultySmtp) -> None:
    """If the API is killed while it sends a mail and restarts while the server hangs, it mails every failure later."""
    smtp.release.clear()
    smtp.set("hang")
    fail(mailing, 10)
    wait_until(lambda: "hang" == smtp.attempts.get(timeout=30))  # skips attempts of earlier tests
    kill_and_start(mailing)
    assert "hang" == smtp.attempts.get(timeout=60)  # an attempt of the restarted service
    smtp.set("")
    smtp.release.set()
    assert 10 == sum(map(failures_in, smtp.mails_counting(10, OF_DRILLS)))


@pytest.mark.parametrize("is_killed", [False, True], ids=["living", "killed"])
def test_rejected_mails_become_dead_letters(mailing: Stack, smtp: FaultySmtp, is_killed: bool) -> None:
    """The API logs a permanently rejected mail, saves it as a dead letter, and mails the other failures."""
    wait_until_all_mailed(mailing)  # ensures that the server does not reject a mail of the previous test
    before, kept = mailing.count("api/api.log"), dead_letters(mailing)
    smtp.set("550")
    fail(mailing, 10)
    wait_until(lambda: records(mailing, "alert refused", before))
    if is_killed:
        fail(mailing, 10)  # some or all of these failures are not yet in a mail
        kill_and_start(mailing)
    smtp.set("")
    # Count each Message-ID once, because the API can resend a mail that was rejected at the time of the kill.
    failures: dict[str, int] = {}

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
    # Search from the parent folder, because the folder `dead` does not exist before the first dead letter.
    find = ("sh", "-c", "find /state/alerts -path '*/dead/*.eml'")
    return set(stack.output("api", *find).split())

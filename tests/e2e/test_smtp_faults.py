"""Alerts of the stack while its mail server fails in every way that a server can."""

from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from typing import Any

import pytest

from tests.support.service import flood
from tests.support.smtp import FaultySmtp, failures_in
from tests.support.stack import Stack
from tests.support.waiting import wait_until

SETTINGS = {"DRILL_ROUTE": "on", "ALERT_QUIET": "5", "ALERT_REPEAT": "1", "SMTP_TIMEOUT": "60"}

UNTOLD = """
import sqlite3
spool = sqlite3.connect("/state/alerts/spool.sqlite")
counts = "SELECT count(*) FROM incidents WHERE NOT closed", "SELECT count(*) FROM letters WHERE state = 'pending'"
print(sum(spool.execute(count).fetchone()[0] for count in counts))
"""


# A machine that stands still for some seconds makes the service mail about its database as well.
OF_DRILLS = "request: GET /drill"


@pytest.fixture(scope="module")
def smtp(stack: Stack) -> Iterator[FaultySmtp]:
    """The server that fails; the stack, which reaches it at the outside of the network `mail`, mails to it."""
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    host = stack.run("docker", "network", "inspect", "--format", gateway, f"{stack.project}_mail").stdout.strip()
    with FaultySmtp(host=host) as server, stack.changed(SMTP_HOST=host, SMTP_PORT=str(server.port), **SETTINGS):
        tell_all(stack)  # what other tests have left
        for queue in (server.attempts, server.mails):
            while not queue.empty():
                queue.get()
        yield server


def tell_all(stack: Stack) -> None:
    """Wait until every failure is told, and said to be over."""
    wait_until(lambda: stack.compose("exec", "-T", "api", "python", "-c", UNTOLD).strip() == "0")


def kill_and_start(stack: Stack) -> None:
    """End all processes of the API at once, as a crash of the machine would, and start them again."""
    try:
        stack.compose("kill", "api")
    finally:
        stack.make("up")


def fail(stack: Stack, count: int) -> None:
    """So many requests that end in a 500."""
    assert [500] * count == flood(stack.http_port, stack.credentials, ["/drill"] * count, 4)


def records(stack: Stack, event: str, since: int) -> list[dict[str, Any]]:
    """The records of an event among those that came after so many."""
    return [record for record in stack.records("api/api.log")[since:] if record["event"] == event]


def test_answers_do_not_wait_for_a_server_that_hangs(stack: Stack, smtp: FaultySmtp) -> None:
    """While the server holds a connection in silence failures are answered; afterwards every one is told."""
    before = len(stack.lines("api/api.log"))
    smtp.set("hang")
    fail(stack, 1)
    assert "hang" == smtp.attempts.get(timeout=30)
    fail(stack, 30)
    assert [] == records(stack, "alert sent", before) + records(stack, "alert not sent", before)
    smtp.set("")
    smtp.release.set()
    smtp.mails_counting(31, OF_DRILLS)


@pytest.mark.parametrize("fault", ["451", "reset", "refuse"])
def test_every_alert_arrives_after_the_fault(stack: Stack, smtp: FaultySmtp, fault: str) -> None:
    """What the server has not taken it gets when it is well again, to the last count."""
    before = len(stack.lines("api/api.log"))
    smtp.set(fault)
    fail(stack, 10)
    wait_until(lambda: records(stack, "alert not sent", before))
    smtp.set("")
    smtp.mails_counting(10, OF_DRILLS)


def test_a_killed_service_tells_what_a_hanging_server_has_not_taken(stack: Stack, smtp: FaultySmtp) -> None:
    """Killed in the middle of its first mail, and started while the server still hangs: later every failure is told."""
    smtp.release.clear()
    smtp.set("hang")
    fail(stack, 10)
    wait_until(lambda: "hang" == smtp.attempts.get(timeout=30))  # after those of the tests before
    kill_and_start(stack)
    assert "hang" == smtp.attempts.get(timeout=60)  # of those that have been started
    smtp.set("")
    smtp.release.set()
    assert 10 == sum(map(failures_in, smtp.mails_counting(10, OF_DRILLS)))


@pytest.mark.parametrize("is_killed", [False, True], ids=["living", "killed"])
def test_refused_mails_are_kept(stack: Stack, smtp: FaultySmtp, is_killed: bool) -> None:
    """What the server refuses for good lies in the folder of dead letters, as the log says; the rest arrives."""
    tell_all(stack)  # else it may be that of the test before which is refused
    before, kept = len(stack.lines("api/api.log")), dead_letters(stack)
    smtp.set("550")
    fail(stack, 10)
    wait_until(lambda: records(stack, "alert refused", before))
    if is_killed:
        fail(stack, 10)  # of which some, or all, are in no mail yet
        kill_and_start(stack)
    smtp.set("")
    failures: dict[str, int] = {}  # of each mail: one that was refused as the service was killed may come again

    def logged() -> set[str]:
        return {record["dead_letter"] for record in records(stack, "alert refused", before)}

    def told() -> int:
        dead = [stack.compose("exec", "-T", "api", "cat", name) for name in logged()]
        mails = [message_from_string(text, policy=default) for text in dead]
        while not smtp.mails.empty():
            mails.append(smtp.mails.get())
        drills = [mail for mail in mails if OF_DRILLS in mail.get_content()]
        failures.update({mail["Message-ID"]: failures_in(mail) for mail in drills})
        return sum(failures.values())

    wait_until(lambda: told() == (20 if is_killed else 10))
    assert logged() <= dead_letters(stack) - kept


def dead_letters(stack: Stack) -> set[str]:
    """The mails in the folder of dead letters."""
    find = ("sh", "-c", "find /state/alerts -path '*/dead/*.eml'")  # the folder is made for the first one
    return set(stack.compose("exec", "-T", "api", *find).split())

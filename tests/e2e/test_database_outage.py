"""Test of the service during a database outage."""

from email.message import EmailMessage

import pytest

from tests.support.budget import budget
from tests.support.inbox import Inbox
from tests.support.replicas import list_replicas
from tests.support.stack import Stack
from tests.support.traffic import constant_rate
from tests.support.waiting import wait_until

RATE = budget(100, 200)  # requests per second
TIMES = budget(1, 5)
NO_DATABASE = "without its database"
CLOSE_INCIDENTS = """
import sqlite3
spool = sqlite3.connect("/state/alerts/spool.sqlite", isolation_level=None)
spool.execute("UPDATE incidents SET closed = 1 WHERE told")
"""
COUNT_RESOLVED = """
import sqlite3
spool = sqlite3.connect("/state/alerts/spool.sqlite")
count = "SELECT count(*) FROM incidents WHERE kind = 'database' AND NOT closed AND resolved AND total > mailed"
print(spool.execute(count).fetchone()[0])
"""


@pytest.mark.profile("operations")
@pytest.mark.both_databases
def test_database_stops_and_returns(stack: Stack) -> None:
    """Without its database the service answers requests, can restart, and mails the loss and the recovery once."""
    credentials = stack.credentials
    with constant_rate(stack, RATE, 1):
        for number in range(TIMES):
            # Otherwise the mails of this outage would wait, if an earlier outage ended within ALERT_REPEAT.
            stack.output("api", "python", "-c", CLOSE_INCIDENTS)
            inbox = Inbox(stack)
            stack.compose("stop", "db")
            wait_until(lambda: is_degraded(stack))
            (lost,) = wait_until(lambda inbox=inbox: inbox.mails(NO_DATABASE))
            if number == 0:
                restarted = list_replicas(stack)[0]
                stack.run("docker", "restart", restarted)
                wait_until(lambda: stack.healthy("api") == 2)
                # Wait until all workers report the loss, because a new worker could report the loss after the recovery.
                wait_until(lambda: is_degraded(stack))
            stack.compose("start", "db")
            wait_until(lambda: stack.healthy("db") == 1)
            wait_until(lambda: is_well(stack))
            recovered = find_recovery(inbox, lost)
            assert "Recovered: the failed operation works again." in recovered.get_content()
            assert f"The tax service runs {NO_DATABASE}." in lost.get_content()
        # A second outage within ALERT_REPEAT belongs to the same incident.
        stack.compose("stop", "db")
        wait_until(lambda: is_degraded(stack))
        stack.compose("start", "db")
        wait_until(lambda: stack.healthy("db") == 1)
        wait_until(lambda: is_well(stack))
        wait_until(lambda: "1" == stack.output("api", "python", "-c", COUNT_RESOLVED).strip())
        assert 2 == len(inbox.mails(NO_DATABASE))
    assert 200 == stack.get("/?married=yes&children=3&salary=200000", credentials).status


def find_recovery(inbox: Inbox, lost: EmailMessage) -> EmailMessage:
    """Wait for the recovery mail that follows the mail `lost`, and return it. Assert that no third mail exists."""

    def find_others() -> list[EmailMessage]:
        return [mail for mail in inbox.mails(NO_DATABASE) if mail["Message-ID"] != lost["Message-ID"]]

    (recovered,) = wait_until(find_others)
    assert f"{lost['Subject']} [recovered]" == recovered["Subject"]
    assert lost["Message-ID"].replace(".1@", ".2@") == recovered["Message-ID"]
    return recovered


def ask_readiness(stack: Stack) -> list[bool]:
    """Request the readiness 20 times from arbitrary workers. Return True for each response that reports degradation."""
    return [bool(stack.get("/health/ready").body["response"]["degraded"]) for _ in range(20)]


def is_degraded(stack: Stack) -> bool:
    """Return whether all responses report degradation."""
    return all(ask_readiness(stack))


def is_well(stack: Stack) -> bool:
    """Return whether no response reports degradation."""
    return not any(ask_readiness(stack))

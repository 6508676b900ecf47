"""Tests of the alerts of a stack with two replicas."""

import os
from collections import Counter
from typing import Any

import pytest

from tests.support.budget import budget
from tests.support.inbox import Inbox, by_route
from tests.support.service import flood
from tests.support.smtp import failures_in
from tests.support.stack import Stack
from tests.support.waiting import wait_until

# The profile enables the failing routes, shortens the alert intervals, and disables the wait for the database.
pytestmark = pytest.mark.profile("alerts")


def records_since(stack: Stack, line: int) -> list[dict[str, Any]]:
    """Return the records that follow line number `line` in the API's log."""
    return stack.records("api/api.log", line)


def test_storm(stack: Stack) -> None:
    """Many failures of two kinds on two replicas cause at most three mails per kind. The mails count every failure."""
    inbox, before = Inbox(stack), stack.count("api/api.log")
    failures: Counter[str] = Counter()

    def fail(count: int) -> None:
        targets = ["/drill"] * (3 * count) + ["/drill/other"] * (2 * count)
        assert [500] * len(targets) == flood(stack.http_port, stack.credentials, targets, 16)
        failures.update(targets)

    def is_mailed_meanwhile() -> bool:
        fail(20)
        return set(failures) == set(by_route(inbox.mails())[1])

    # The service mails both kinds of failure while failures continue. It does not wait until the failures stop.
    wait_until(is_mailed_meanwhile)
    fail(budget(400, 2000))
    counts = inbox.counting(drill=failures["/drill"], drill_other=failures["/drill/other"])
    assert max(counts.values()) <= 3
    failed = [record for record in records_since(stack, before) if record["event"] == "request failed"]
    assert (failures.total(), 2) == (len(failed), len({record["host"] for record in failed}))


def test_failures_are_mailed_after_an_outage(stack: Stack) -> None:
    """The service mails all failures after an outage of the mail server, even if all replicas were killed meanwhile."""
    inbox, before = Inbox(stack), stack.count("api/api.log")
    stack.compose("stop", "mailhog")
    try:
        assert [500] * 50 == flood(stack.http_port, stack.credentials, ["/drill"] * 30 + ["/drill/other"] * 20, 8)
        wait_until(lambda: any(r["event"] == "alert not sent" for r in records_since(stack, before)))
        stack.compose("kill", "api")
    finally:
        stack.compose("start", "mailhog")
        stack.make("up")
    assert {"/drill", "/drill/other"} == set(inbox.counting(drill=30, drill_other=20))


def test_ten_restarts_without_database(stack: Stack) -> None:
    """Ten failed starts cause one mail. A second mail reports the recovery and counts the other failed starts."""
    inbox, before = Inbox(stack), stack.count("api/api.log")

    def failed_starts() -> int:
        return sum(record["event"] == "startup failed" for record in records_since(stack, before))

    stack.compose("stop", "db")
    try:
        # Delete the saved schedules, so that the replicas need the database to start.
        stack.output("api", "sh", "-c", "rm /state/schedules-*")
        stack.compose("restart", "api")
        wait_until(lambda: failed_starts() >= 10)
        (first,) = inbox.of_starts()
    finally:
        stack.compose("start", "db")
        wait_until(lambda: stack.healthy("api") == 2)  # waits for Docker, which restarts the replicas with a backoff
    mails = wait_until(lambda: len(inbox.of_starts()) == 2 and inbox.of_starts())
    own = f"[tax-service on {os.uname().nodename}]"
    assert [f"{own} could not start", f"{own} could not start [recovered]"] == sorted(mail["Subject"] for mail in mails)
    assert failures_in(first) in (1, 2), "the first mail must count one or two failed starts"
    assert failed_starts() == sum(map(failures_in, mails))


@pytest.mark.profile("text")  # with ALERT_REPEAT=0, so that an earlier mail about a replica does not delay these mails
def test_a_stopped_replica_is_mailed_after_a_minute(stack: Stack) -> None:
    """A replica that stays stopped for a minute causes one mail, and `make up` causes the mail about the recovery.

    `make up` also records a lower number of replicas, and the name of the machine.
    """
    stack.make("up", "REPLICAS=2")
    inbox, missing = Inbox(stack), "The tax service runs with fewer replicas than expected"
    own = f"[tax-service on {os.uname().nodename}] replica missing"
    (stopped, *_) = stack.ids("label=com.docker.compose.service=api", "status=running")
    stack.run("docker", "stop", stopped)
    (first,) = wait_until(lambda: inbox.mails(missing))
    assert own == first["Subject"]
    assert "only 1 of 2 replicas is running" in first.get_content()
    stack.make("up", "REPLICAS=2")
    mails = wait_until(lambda: len(inbox.mails(missing)) == 2 and inbox.mails(missing))
    assert [own, f"{own} [recovered]"] == sorted(mail["Subject"] for mail in mails)
    stack.make("up", "REPLICAS=1")
    assert "1" == stack.output("api", "cat", "/state/replicas").strip()
    assert os.uname().nodename == stack.output("api", "cat", "/state/host").strip()

"""Alerts on the real stack: two replicas, one administrator, whatever fails meanwhile."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.support.inbox import Inbox
from tests.support.service import flood
from tests.support.smtp import failures_in
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def drilled(stack: Stack) -> Iterator[Stack]:
    """The stack with routes that fail, short intervals, and starts that do not wait for the database."""
    with stack.changed(DRILL_ROUTE="on", ALERT_QUIET="20", DB_WAIT="0"):
        yield stack


def records_since(stack: Stack, line: int) -> list[dict[str, Any]]:
    """The records of the API's log from a line on."""
    return [json.loads(text) for text in stack.lines("api/api.log")[line:]]


def test_storm(drilled: Stack) -> None:
    """Ten thousand failures of two kinds on two replicas: at most three mails a kind, and the counts are exact."""
    inbox, before = Inbox(drilled), len(drilled.lines("api/api.log"))
    targets = ["/drill"] * 6000 + ["/drill/other"] * 4000
    assert [500] * 10_000 == flood(drilled.http_port, drilled.credentials, targets, 16)
    assert max(inbox.counting(drill=6000, drill_other=4000).values()) <= 3
    log = records_since(drilled, before)
    failed = [record for record in log if record["event"] == "request failed"]
    assert (10_000, 2) == (len(failed), len({record["host"] for record in failed}))
    # The first mails did not wait for the storm to end, nor the storm for them.
    sent = [record for record in log if record["event"] == "alert sent"]
    assert sent[0]["time"] < failed[-1]["time"]
    for target in ("/drill", "/drill/other"):
        ids = {r["request_id"] for r in log if r["event"] == "request" and r["url"] == target}
        failures = [record["time"] for record in failed if record["request_id"] in ids]
        mails = [record["time"] for record in sent if record["alert_request_id"] in ids]
        assert 15 > seconds(failures[0], mails[0]), "the first mail does not wait for the quiet time of 20 s"
        assert 60 > seconds(failures[-1], mails[-1]), "the last one, with the rest, after the quiet time of 20 s"


def seconds(begin: str, end: str) -> float:
    """The seconds between two times of the log."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


def test_mail_server_and_replicas_away(drilled: Stack) -> None:
    """What fails while the mail server is stopped is told later, though all replicas were killed."""
    inbox, before = Inbox(drilled), len(drilled.lines("api/api.log"))
    drilled.compose("stop", "mailhog")
    try:
        assert [500] * 50 == flood(drilled.http_port, drilled.credentials, ["/drill"] * 30 + ["/drill/other"] * 20, 8)
        wait_until(lambda: any(r["event"] == "alert not sent" for r in records_since(drilled, before)))
        drilled.compose("kill", "api")
    finally:
        drilled.compose("start", "mailhog")
        drilled.make("up")
    assert {"/drill", "/drill/other"} == set(inbox.counting(drill=30, drill_other=20))


def test_ten_restarts_without_database(drilled: Stack) -> None:
    """Ten starts in vain are one mail; when the database is back, one more says recovered and counts the others."""
    inbox, before = Inbox(drilled), len(drilled.lines("api/api.log"))

    def failed_starts() -> int:
        return sum(record["event"] == "startup failed" for record in records_since(drilled, before))

    drilled.compose("stop", "db")
    try:
        # As on a first start: without last good schedules to go on with.
        drilled.compose("exec", "-T", "api", "sh", "-c", "rm /state/schedules-*")
        drilled.compose("restart", "api")
        wait_until(lambda: failed_starts() >= 10, 120)
        (first,) = inbox.of_starts()
    finally:
        drilled.compose("start", "db")
        wait_until(lambda: drilled.healthy("api") == 2, 180)  # Docker starts them again, at growing intervals
    mails = wait_until(lambda: len(inbox.of_starts()) == 2 and inbox.of_starts())
    assert ["Tax calculation server crash", "Tax calculation server crash [recovered]"] == sorted(
        mail["Subject"] for mail in mails
    )
    assert failures_in(first) in (1, 2), "the two replicas may start, and fail, at once"
    assert failed_starts() == sum(map(failures_in, mails))

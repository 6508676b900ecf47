"""The alerts of the API in the Alertmanager of the stack, with ALERT_VIA=alertmanager."""

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.support.inbox import Inbox
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("monitoring")
QUERY = urlencode({"filter": 'alertname="TaxServiceIncident"'})


@pytest.fixture
def posting(stack: Stack) -> Iterator[Stack]:
    """Let the API post its alerts to Alertmanager, and finally mail them again."""
    settings = stack.folder / ".env"
    usual = settings.read_text()
    stack.make("monitor")
    try:
        stack.set(ALERT_VIA="alertmanager", ALERTMANAGER_URL="http://alertmanager:9093")
        stack.make("up")
        yield stack
    finally:
        settings.write_text(usual)
        stack.make("up")


def list_alerts(stack: Stack) -> list[dict[str, Any]]:
    """Return the active alerts of the API in Alertmanager."""
    address = stack.compose("--profile", "monitoring", "port", "alertmanager", "9093").strip()
    with build_opener(ProxyHandler({})).open(f"http://{address}/api/v2/alerts?{QUERY}", timeout=30) as answer:
        return [alert for alert in json.load(answer) if alert["status"]["state"] == "active"]


def test_a_lost_database_is_an_alert_until_it_returns(posting: Stack) -> None:
    """A lost database becomes an alert, which Alertmanager mails and ends after the return. The API mails nothing."""
    inbox, before, host = Inbox(posting), posting.count("api/api.log"), os.uname().nodename
    assert [] == list_alerts(posting)
    posting.compose("stop", "db")
    try:
        (alert,) = wait_until(lambda: list_alerts(posting))
        labels = {"alertname": "TaxServiceIncident", "kind": "database", "severity": "warning"}
        assert labels == {name: alert["labels"][name] for name in labels}
        assert {*labels} <= alert["labels"].keys() <= {*labels, "place", "route"}
        assert f"[tax-service on {host}] database lost" == alert["annotations"]["summary"]
        (mail,) = wait_until(lambda: inbox.mails("docs/how-to/alerts.md#the-database-is-lost"))
        assert "[tax-service firing] TaxServiceIncident" == mail["Subject"]
    finally:
        posting.compose("start", "db")
    wait_until(lambda: any(record["event"] == "alert ended" for record in posting.records("api/api.log", before)))
    wait_until(lambda: list_alerts(posting) == [])
    assert [] == [mail["Subject"] for mail in inbox.mails() if f"[tax-service on {host}]" in mail["Subject"]]

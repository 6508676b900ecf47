"""Alerts over Alertmanager's API, with a real HTTP server in its place."""

import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from income_tax.alerts.alert import Alert, Kind, Summary
from income_tax.alerts.alertmanager import LIFETIME, NAME, RESEND, AlertmanagerDelivery
from income_tax.alerts.incident_policy import AlertRules
from income_tax.alerts.spool import Spool
from income_tax.service_log import build_logger
from tests.support.alert_receiver import AlertReceiver
from tests.support.data import ROOT
from tests.support.fakes import DEPLOYMENT, FakeClock, Lines
from tests.support.service import environment, running_service


class World:
    """A spool, its delivery to Alertmanager, and a clock that the test sets."""

    def __init__(self, url: str) -> None:
        self.spool, self.clock, self.lines = Spool(None), FakeClock(), Lines()
        log = build_logger("api", self.lines.write, "json", "info")
        self.delivery = AlertmanagerDelivery(url, AlertRules(), DEPLOYMENT, log, clock=self.clock, random=lambda: 0.0)

    def fail(self, kind: Kind = "database") -> None:
        self.spool.report(Alert.for_service(kind, Summary.DATABASE_LOST, "refused"), self.clock())

    def after(self, seconds: float) -> None:
        self.clock.now += seconds
        self.delivery.deliver_due(self.spool)


def measure_life(alert: dict[str, Any], now: float) -> float:
    """Return the seconds until an alert ends."""
    return datetime.fromisoformat(alert["endsAt"]).timestamp() - now


def test_an_incident_is_posted_until_it_ends() -> None:
    """An incident is posted at once and again at each interval, until it is over. Its alert then ends by itself."""
    with AlertReceiver() as receiver:
        world = World(f"{receiver.url}/")
        world.fail()
        for seconds in (0, RESEND - 1, 1, 1):
            world.after(seconds)
        world.spool.resolve("database")
        for _ in range(10):
            world.after(RESEND)
        (first,), (again,) = receiver.next(), receiver.next()
        assert receiver.bodies.empty()
    assert ["/api/v2/alerts"] * 2 == receiver.paths
    labels = {"alertname": NAME, "kind": "database", "severity": "warning"}
    assert [labels] * 2 == [alert["labels"] for alert in (first, again)]
    assert "[tax-service on host1] database lost" == first["annotations"]["summary"]
    assert ("host1", "1") == (first["annotations"]["host"], first["annotations"]["failures"])
    assert "docs/how-to/alerts.md#the-database-is-lost" == first["annotations"]["runbook_url"]
    assert DEPLOYMENT.status_page == first["generatorURL"]
    assert [LIFETIME] * 2 == [measure_life(first, 1000.0), measure_life(again, 1000.0 + RESEND)]
    assert [] == world.spool.open_incidents()


def test_a_short_failure_is_posted() -> None:
    """A failure that is over before the first post is posted once."""
    with AlertReceiver() as receiver:
        world = World(receiver.url)
        world.fail()
        world.spool.resolve("database")
        for _ in range(10):
            world.after(RESEND)
        assert 1 == receiver.bodies.qsize()
    assert [] == world.spool.open_incidents()


def test_a_failing_alertmanager_loses_no_incident() -> None:
    """While Alertmanager fails or refuses, the incident stays in the spool, and is posted again after a wait."""
    with AlertReceiver([503, 400, 200]) as receiver:
        world = World(receiver.url)
        world.fail()
        world.spool.resolve("database")
        world.after(0)
        world.after(0.5)
        assert 1 == receiver.bodies.qsize()
        world.after(0.5)
        assert {"pending": 1, "sent": 0, "dead": 0} == world.delivery.count_mails(world.spool)
        world.after(2)
        assert 3 == receiver.bodies.qsize()
    assert {"pending": 0, "sent": 0, "dead": 0} == world.delivery.count_mails(world.spool)
    events = [json.loads(line)["event"] for line in world.lines.written]
    assert ["alert not sent", "alert not sent", "alert sent"] == events


def test_a_refused_incident_blocks_no_other() -> None:
    """If Alertmanager refuses several incidents, each is posted alone, and the refused one is repeated."""
    with AlertReceiver([400, 400, 200, 200]) as receiver:
        world = World(receiver.url)
        world.fail("database")
        world.fail("log")
        world.after(0)
        assert 1 == world.delivery.count_mails(world.spool)["pending"]
        world.after(0.5)
        kinds = [[alert["labels"]["kind"] for alert in receiver.next()] for _ in range(3)]
        assert receiver.bodies.empty()
        world.after(0.5)
        assert 1 == receiver.bodies.qsize()
    assert [["database", "log"], ["database"], ["log"]] == kinds
    assert 0 == world.delivery.count_mails(world.spool)["pending"]
    lines = [json.loads(line) for line in world.lines.written]
    assert ["alert sent", "alert not sent", "alert sent"] == [line["event"] for line in lines]
    assert re.match(r"database \w{16}: Alertmanager http://.*: status 400", lines[1]["reason"])


def test_a_failing_server_gets_no_single_posts() -> None:
    """After a refusal of several incidents, the single posts end when the server fails."""
    with AlertReceiver([400, 400, 503, 200]) as receiver:
        world = World(receiver.url)
        kinds: list[Kind] = ["database", "log", "users"]
        for kind in kinds:
            world.fail(kind)
        world.after(0)
        assert 3 == receiver.bodies.qsize()
        assert 3 == world.delivery.count_mails(world.spool)["pending"]
        world.after(1)
    assert 4 == receiver.bodies.qsize()
    assert 0 == world.delivery.count_mails(world.spool)["pending"]


def test_no_alert_begins_after_its_end() -> None:
    """If the clock was set back, an alert begins at its post. Alertmanager refuses a begin after the end."""
    with AlertReceiver() as receiver:
        world = World(receiver.url)
        world.fail()
        world.after(-500)
        (alert,) = receiver.next()
    assert [world.clock()] == [datetime.fromisoformat(alert["startsAt"]).timestamp()]
    assert measure_life(alert, world.clock()) == LIFETIME


def test_each_spool_is_posted_at_its_own_interval() -> None:
    """A post of the alerts in memory does not delay the next post of the alerts in the spool's file."""
    with AlertReceiver() as receiver:
        world, memory = World(receiver.url), Spool(None)
        world.fail()
        world.after(0)
        memory.report(Alert.for_service("log", Summary.LOG_NOT_WRITTEN, "full"), world.clock())
        world.clock.now += RESEND - 1
        world.delivery.deliver_due(memory)
        world.after(1)
        kinds = [[alert["labels"]["kind"] for alert in receiver.next()] for _ in range(3)]
    assert [["database"], ["log"], ["database"]] == kinds


def test_a_new_failure_keeps_the_alert() -> None:
    """A failure after the recovery keeps its alert. Each drill is an alert of its own, which is posted once."""
    with AlertReceiver() as receiver:
        world = World(receiver.url)
        world.fail()
        world.after(0)
        world.spool.resolve("database")
        world.fail()
        world.fail("drill")
        world.after(1)
        world.after(RESEND)
        kinds = [[alert["labels"]["kind"] for alert in receiver.next()] for _ in range(3)]
    assert [["database"], ["database", "drill"], ["database"]] == kinds


def test_the_drill_names_alertmanager(tmp_path: Path) -> None:
    """With ALERT_VIA=alertmanager, the drill names Alertmanager's address, waits for no mail, and posts one alert."""
    with AlertReceiver() as receiver:
        own = {"ALERT_VIA": "alertmanager", "ALERTMANAGER_URL": receiver.url, "SMTP_HOST": "mailhog", "DB": "postgres"}
        done = subprocess.run(
            [sys.executable, ROOT / "tools/alert_drill.py"],
            env=environment(tmp_path, 1, **own),
            capture_output=True,
            text=True,
            check=False,
        )
        (alert,) = receiver.next()
    assert 0 == done.returncode, done.stderr
    assert f"Look for the alert of this drill at {receiver.url}." in done.stdout
    assert ("drill", "info") == (alert["labels"]["kind"], alert["labels"]["severity"])


def test_the_service_posts_instead_of_mailing(tmp_path: Path) -> None:
    """With ALERT_VIA=alertmanager, the service posts a failed request to Alertmanager, and sends no mail."""
    with (
        AlertReceiver() as receiver,
        running_service(tmp_path, DRILL_ROUTE="on", ALERT_VIA="alertmanager", ALERTMANAGER_URL=receiver.url) as service,
    ):
        request_id = service.get("/drill").request_id
        (alert,) = receiver.next()
        assert ("request", "/drill", request_id) == (
            alert["labels"]["kind"],
            alert["labels"]["route"],
            alert["annotations"]["request_ids"],
        )
    assert service.mailbox.empty()

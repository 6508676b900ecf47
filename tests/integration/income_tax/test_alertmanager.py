"""Alerts over Alertmanager's API, with a real HTTP server in its place."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from income_tax.alerts.alert import Alert, Kind, Summary
from income_tax.alerts.alertmanager import LIFETIME, NAME, RESEND, AlertmanagerDelivery
from income_tax.alerts.incident_policy import AlertRules
from income_tax.alerts.spool import Spool
from income_tax.service_log import build_logger
from tests.support.alert_receiver import AlertReceiver
from tests.support.fakes import DEPLOYMENT, FakeClock, Lines
from tests.support.service import running_service


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

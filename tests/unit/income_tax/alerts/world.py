"""A spool with a fake clock, a fake mail server and a fake log, for delivery tests."""

import json
from pathlib import Path
from typing import Any

from income_tax.alerts.alert import Alert, Kind, Summary
from income_tax.alerts.incident_policy import AlertRules, Incident
from income_tax.alerts.mail_delivery import MailDelivery
from income_tax.alerts.mail_message import MailMessage
from income_tax.alerts.spool import Spool
from income_tax.service_log import build_logger
from tests.support.fakes import DEPLOYMENT, FakeClock, FakeMailer, Lines
from tests.support.smtp import SINCE


class World:
    """A spool in memory, its delivery, a fake mail server, and a clock that the test sets."""

    def __init__(self, dead: Path = Path("unused")) -> None:
        self.clock, self.mailer, self.spool = FakeClock(), FakeMailer(), Spool(None)
        self.lines = Lines()
        log = build_logger("api", self.lines.write, "json", "info")
        self.sender = MailDelivery(
            self.mailer, AlertRules(), DEPLOYMENT, dead, log, clock=self.clock, random=lambda: 0.0
        )

    def fail(self, kind: Kind = "request", route: str = "/", times: int = 1) -> None:
        for _ in range(times):
            self.spool.report(Alert(kind, Summary.REQUEST_FAILED, {}, None, {}, "place", route), self.clock())

    def records(self, event: str) -> list[dict[str, Any]]:
        """Return the log records of an event."""
        return [record for record in map(json.loads, self.lines.written) if record["event"] == event]

    def after(self, seconds: float) -> list[str]:
        """Advance the clock, deliver the due mails, and return the subject suffix and the count of each mail."""
        self.clock.now += seconds
        before = len(self.mailer.sent)
        self.sender.deliver_due(self.spool)
        return [f"{letter.suffix.partition(' since')[0]}:{count(letter.body)}" for letter in self.mailer.sent[before:]]


def count(body: str) -> int:
    (number,) = SINCE.findall(body)
    return int(number)


def build_alert(kind: Kind = "request", request_id: str | None = None, place: str = "p", route: str = "/") -> Alert:
    """Build the alert of a failure."""
    return Alert(kind, Summary.REQUEST_FAILED, {"a": 1}, request_id, {}, place, route)


def build_mail(name: str) -> MailMessage:
    """Build a mail."""
    return MailMessage(name, " [s]", "body", 5.0, "request", "id-1")


def get_incident(spool: Spool) -> Incident:
    """Return the only open incident."""
    (incident,) = spool.open_incidents()
    return incident

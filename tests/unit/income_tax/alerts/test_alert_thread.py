"""The background sender never blocks its callers, and keeps failures in memory when the spool fails."""

import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from income_tax.alerts.alert import Alert, Summary
from income_tax.alerts.alert_thread import AlertThread
from income_tax.alerts.channel import Refusals
from income_tax.alerts.incident_policy import AlertRules
from income_tax.alerts.mail_delivery import MailDelivery
from income_tax.alerts.mail_message import MailMessage
from income_tax.alerts.spool import Spool
from income_tax.service_log import build_logger
from tax_common.files import ProcessLock
from tests.support.fakes import DEPLOYMENT, FakeMailer, Lines

ALERT = Alert(
    "request",
    Summary.REQUEST_FAILED,
    {"response": {"errors": ["é"], "request_id": "abc12345"}},
    "abc12345",
    {"error": "X: y"},
)


def build_sender(folder: Path, mailer: FakeMailer, lines: Lines) -> AlertThread:
    log = build_logger("api", lines.write, "json", "info")
    sender = MailDelivery(mailer, AlertRules(wait=0), DEPLOYMENT, folder / "dead", log)
    return AlertThread(Spool(folder / "spool.sqlite"), ProcessLock(folder / "sender.lock"), sender, log)


def test_sent_alert_is_logged(tmp_path: Path) -> None:
    """A sent alert is logged with its request id and the name of the mail."""
    lines, mailer = Lines(), FakeMailer()
    alerts = build_sender(tmp_path, mailer, lines)
    alerts.send(ALERT)
    alerts.wait_until_idle(60)
    alerts.close(60)
    (record,) = map(json.loads, lines.written)
    assert ("alert sent", "abc12345", mailer.sent[0].name) == (
        record["event"],
        record["alert_request_id"],
        record["mail"],
    )


class BusySpool(Spool):
    """Spool that only the delivery thread can read until the test sets `free`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.refused = threading.Event()
        self.free = threading.Event()

    def find_due(self, now: float) -> list[MailMessage]:
        if threading.current_thread().name != "alerts" and not self.free.is_set():
            self.refused.set()
            raise sqlite3.OperationalError("busy")
        return super().find_due(now)


def test_an_ending_process_waits_for_a_busy_spool(tmp_path: Path) -> None:
    """An ending process retries a busy spool, and ends only after its mail is sent and recorded."""
    spool, mailer, lines = BusySpool(tmp_path / "spool.sqlite"), StuckMailer(), Lines()
    log = build_logger("api", lines.write, "json", "info")
    sender = MailDelivery(mailer, AlertRules(wait=0), DEPLOYMENT, tmp_path / "dead", log)
    alerts = AlertThread(spool, ProcessLock(tmp_path / "sender.lock"), sender, log)
    alerts.send(ALERT)
    waiting = threading.Thread(target=alerts.wait_until_idle, args=(60,))
    waiting.start()
    assert mailer.entered.wait(60)
    spool.refused.clear()
    assert spool.refused.wait(60), "the process did not query the spool again"
    spool.free.set()
    mailer.go.set()
    waiting.join(60)
    assert ["alert sent"] == [json.loads(line)["event"] for line in lines.written]
    alerts.close(60)


class StuckMailer(FakeMailer):
    """Mailer that hangs in `send` until the test releases it."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go = threading.Event(), threading.Event()

    def send(self, mail: MailMessage, before_end: Callable[[], object]) -> Refusals:
        self.entered.set()
        assert self.go.wait(60)
        return super().send(mail, before_end)


def test_reporting_never_waits_for_the_server(tmp_path: Path) -> None:
    """`send` returns although the SMTP server hangs. Each failure is mailed or stays in the spool."""
    mailer = StuckMailer()
    alerts = build_sender(tmp_path, mailer, Lines())
    alerts.start()
    alerts.send(ALERT)
    assert mailer.entered.wait(60)
    for _ in range(200):
        alerts.send(ALERT)
    assert [] == mailer.sent
    mailer.go.set()
    alerts.close(60)
    (open_incident,) = Spool(tmp_path / "spool.sqlite").open_incidents()
    assert (201, 1, 1) == (open_incident.total, open_incident.mailed, len(mailer.sent))


def test_memory_replaces_an_unusable_spool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If the spool is unusable, the process still logs, groups and mails failures. It prints a warning to stderr."""
    (tmp_path / "state").touch()
    lines, mailer = Lines(), FakeMailer()
    alerts = build_sender(tmp_path / "state", mailer, lines)
    for _ in range(3):
        alerts.send(ALERT)
    alerts.wait_until_idle(60)
    alerts.close(60)
    events = [json.loads(line)["event"] for line in lines.written]
    assert ["alert not spooled"] * 3 == events[:3]
    assert 1 == events.count("alert spool error")
    assert 1 == capsys.readouterr().err.count("alerts are not spooled: ")
    assert ["failures in this mail: 3"] == [
        line for mail in mailer.sent for line in mail.body.splitlines() if "in this mail" in line
    ]
    assert {} == alerts.count_mails()

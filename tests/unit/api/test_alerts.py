"""Alerts: what the mails say, and that nobody waits for them."""

import json
import re
import sqlite3
import subprocess
import threading
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest

from income_tax.alerts.alert import Alert
from income_tax.alerts.delivery import MailDelivery
from income_tax.alerts.dispatcher import Dispatcher
from income_tax.alerts.incident_policy import RETRIES, AlertRules, Incident, MailType
from income_tax.alerts.mail_message import MailMessage, build_message
from income_tax.alerts.smtp import MailSettings, Refusals, SmtpMailer
from income_tax.alerts.spool import Spool
from income_tax.service_log import build_logger
from tax_common.file_lock import ProcessLock
from tests.support.fakes import FakeMailer, Lines

ALERT = Alert(
    "request", "It failed:", {"response": {"errors": ["é"], "request_id": "abc12345"}}, "abc12345", {"error": "X: y"}
)
SETTINGS = MailSettings("127.0.0.1", 1, "tax@example.org", "admin@example.org", "Crash")


def incident(alert: Alert = ALERT, total: int = 1, mailed: int = 0, resolved: bool = False) -> Incident:
    stored = alert.to_json()
    ids = json.dumps([alert.request_id] if alert.request_id else [])
    mails = int(mailed > 0)
    return Incident(
        7, "c0ffee", alert.kind, "p", "/", total, mailed, mails, 10, 20, 15, resolved, False, stored, stored, ids
    )


def test_text_holds_the_answer_and_the_way_to_the_log() -> None:
    """The mail holds the JSON that was answered, the error, and the command that finds the log lines."""
    text = ALERT.format_text("/logs/api/api.log")
    answer = text[text.index("{") : text.rindex("}") + 1]
    assert ALERT.answer == json.loads(answer)
    assert "error: X: y\n" in text
    assert "find the log lines: grep -F -- abc12345 /logs/api/api.log*\n" in text


@pytest.mark.parametrize("request_id", ["-version", "a.b.c.d.", "abc12345"])
def test_command_of_a_mail_finds_the_request_alone(tmp_path: Path, request_id: str) -> None:
    """The mail's command, pasted into a shell, finds the lines of that very id, in archives and odd folders too."""
    folder = tmp_path / "the logs"
    folder.mkdir()
    (folder / "api.log").write_text(f"{request_id} now\nanother one: axbxcxdx\n")
    (folder / "api.log.20261126T010203.000000Z").write_text(f"{request_id} before\n")
    text = replace(ALERT, request_id=request_id).format_text(str(folder / "api.log"))
    (command,) = re.findall("^find the log lines: (.+)$", text, re.MULTILINE)
    found = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert ["now", "before"] == [line.rpartition(" ")[2] for line in found.stdout.splitlines()]


def test_stored_alert_is_the_same_alert() -> None:
    """An alert comes back from the spool as it went in, characters that are no text included."""
    alert = Alert("request", "é \udc80", {"a": [1]}, None, {"error": "\r\n"}, "place", "/x")
    assert alert.to_json().isascii()
    assert alert == Alert.from_json(alert.to_json())


def test_stored_alert_of_another_version_can_be_read() -> None:
    """During an update a version may meet alerts of a newer one: what it does not know, it leaves out."""
    newer = json.dumps(json.loads(ALERT.to_json()) | {"colour": "red"})
    assert ALERT == Alert.from_json(newer)


def test_first_mail_is_the_alert_s_text_and_the_count() -> None:
    """The first mail has the subject of the settings, the alert's text, the request's id, and how often it happened."""
    mail = build_message(incident(total=3), MailType.FIRST, "/l", 30)
    assert ("", "abc12345", "alert.c0ffee.1") == (mail.suffix, mail.request_id, mail.name)
    assert mail.body.startswith(ALERT.format_text("/l"))
    assert "failures in this mail: 3\nfailures in all: 3\n" in mail.body


@pytest.mark.parametrize(
    ("step", "suffix", "sentence"),
    [
        (MailType.DIGEST, " [+4 since ", "This failure goes on"),
        (MailType.RECOVERED, " [recovered]", "Recovered: this failure"),
    ],
)
def test_later_mails_say_what_they_are(step: MailType, suffix: str, sentence: str) -> None:
    """A digest and a recovery are told apart by subject and first sentence, and count what no mail has counted."""
    mail = build_message(incident(total=5, mailed=1), step, "/l", 30)
    assert mail.suffix.startswith(suffix)
    assert mail.body.startswith(sentence)
    assert "failures in this mail: 4\nfailures in all: 5\n" in mail.body
    assert "some request ids: abc12345\n" in mail.body
    assert "alert.c0ffee.2" == mail.name


def test_nothing_in_a_failure_can_forge_a_header_or_a_line() -> None:
    """Line ends and control characters of a request, an error or a setting stay inside their header or line."""
    evil = "x\r\nBcc: evil@example.org\r\n\r\nhello\x1b[2J\u2028\udc80"
    alert = Alert("request", "It failed:", {"response": {"errors": [evil]}}, None, {"error": evil})
    mail = build_message(incident(alert), MailType.FIRST, "/l", 30)
    settings = MailSettings("h", 1, "tax@example.org", "admin@example.org", "Crash\r\nBcc: evil@example.org")
    message = message_from_bytes(bytes(SmtpMailer(settings).build_email(mail)))
    assert message["Bcc"] is None
    assert "Crash\\x0d\\x0aBcc: evil@example.org" == message["Subject"]
    assert [] == [line for line in mail.body.splitlines() if line.startswith(("Bcc", "hello"))]


def test_message_is_the_same_at_each_attempt() -> None:
    """A mail that is sent twice is the same mail, Message-ID and date included."""
    mail = MailMessage("alert.c0ffee.1", "", "text\n", 30, "request", "abc12345")
    first, second = (SmtpMailer(SETTINGS).build_email(mail) for _ in range(2))
    assert "<alert.c0ffee.1@example.org>" == first["Message-ID"]
    assert bytes(first) == bytes(second)


def test_retries_grow_to_a_bound_and_differ() -> None:
    """Attempts come at doubled intervals up to a minute, less a random part, so that senders do not march in step."""
    assert [1, 2, 4, 8, 16, 32, 60, 60] == [RETRIES.compute_delay(attempts, lambda: 0.0) for attempts in range(8)]
    assert 30 == RETRIES.compute_delay(1000, lambda: 1.0)


def dispatcher(folder: Path, mailer: FakeMailer, lines: Lines) -> Dispatcher:
    log = build_logger("api", lines.write, "json", "info")
    sender = MailDelivery(mailer, AlertRules(wait=0), "/l", folder / "dead", log)
    return Dispatcher(Spool(folder / "spool.sqlite"), ProcessLock(folder / "sender.lock"), sender, log)


def test_sent_alert_is_logged(tmp_path: Path) -> None:
    """A sent alert leaves a line with its request id and the mail's name."""
    lines, mailer = Lines(), FakeMailer()
    alerts = dispatcher(tmp_path, mailer, lines)
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
    """Cannot be read while the mail is under way, but by the thread that sends it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.refused = threading.Event()
        self.free = threading.Event()

    def find_due(self, now: float) -> list[MailMessage]:
        if threading.current_thread().name != "alerts" and not self.free.is_set():
            self.refused.set()
            raise sqlite3.OperationalError("busy")
        return super().find_due(now)


def test_a_process_that_ends_waits_for_a_busy_spool(tmp_path: Path) -> None:
    """A spool that was busy at one look is looked at again: nothing ends before its mail is sent and noted."""
    spool, mailer, lines = BusySpool(tmp_path / "spool.sqlite"), StuckMailer(), Lines()
    log = build_logger("api", lines.write, "json", "info")
    sender = MailDelivery(mailer, AlertRules(wait=0), "/l", tmp_path / "dead", log)
    alerts = Dispatcher(spool, ProcessLock(tmp_path / "sender.lock"), sender, log)
    alerts.send(ALERT)
    waiting = threading.Thread(target=alerts.wait_until_idle, args=(60,))
    waiting.start()
    assert mailer.entered.wait(60)
    spool.refused.clear()
    assert spool.refused.wait(60), "it is looked at once more"
    spool.free.set()
    mailer.go.set()
    waiting.join(60)
    assert ["alert sent"] == [json.loads(line)["event"] for line in lines.written]
    alerts.close(60)


class StuckMailer(FakeMailer):
    """Hangs in `send` until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go = threading.Event(), threading.Event()

    def send(self, mail: MailMessage) -> Refusals:
        self.entered.set()
        assert self.go.wait(60)
        return super().send(mail)


def test_reporting_never_waits_for_the_server(tmp_path: Path) -> None:
    """While the SMTP server hangs, reports return; what they said is mailed, or in the spool, to the last count."""
    mailer = StuckMailer()
    alerts = dispatcher(tmp_path, mailer, Lines())
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


def test_spool_that_cannot_be_used_is_replaced_by_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a usable spool the failure is logged, said on stderr, mailed by this process, and grouped."""
    (tmp_path / "state").touch()
    lines, mailer = Lines(), FakeMailer()
    alerts = dispatcher(tmp_path / "state", mailer, lines)
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

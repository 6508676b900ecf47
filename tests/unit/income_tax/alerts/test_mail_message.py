"""The text of the mails."""

import json
import re
import subprocess
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from income_tax.alerts.alert import Alert, Summary
from income_tax.alerts.alert_kinds import Severity
from income_tax.alerts.alert_text import format_alert
from income_tax.alerts.deployment import Deployment
from income_tax.alerts.incident_policy import Incident, MailType
from income_tax.alerts.mail_addresses import MailAddress
from income_tax.alerts.mail_message import MailMessage, build_message
from income_tax.alerts.smtp_client import MailSettings, SmtpMailer
from income_tax.alerts.spool import Spool
from tests.support.fakes import DEPLOYMENT

ALERT = Alert(
    "request",
    Summary.REQUEST_FAILED,
    {"response": {"errors": ["é"], "request_id": "abc12345"}},
    "abc12345",
    {"error": "X: y"},
)
SETTINGS = MailSettings("127.0.0.1", 1, MailAddress("tax@example.org"), [MailAddress("admin@example.org")], "Crash")


def incident(alert: Alert = ALERT, total: int = 1, mailed: int = 0, resolved: bool = False) -> Incident:
    stored = alert.to_json()
    ids = json.dumps([alert.request_id] if alert.request_id else [])
    mails = int(mailed > 0)
    return Incident(
        7, "c0ffee", alert.kind, "p", "/", total, mailed, mails, 10, 20, 15, resolved, False, stored, stored, ids
    )


def test_text_has_response_and_log_command() -> None:
    """The mail contains the JSON response, the error, and the command that finds the log lines."""
    text = format_alert(ALERT, Deployment("/logs/api/api.log", "host1"), Severity.CRITICAL)
    answer = text[text.index("{") : text.rindex("}") + 1]
    assert ALERT.answer == json.loads(answer)
    assert "error: X: y\n" in text
    assert "find the log lines: grep -F -- abc12345 /logs/api/api.log*\n" in text


@pytest.mark.parametrize("request_id", ["-version", "a.b.c.d.", "abc12345"])
def test_log_command_finds_one_request(tmp_path: Path, request_id: str) -> None:
    """The command in the mail finds exactly the log lines of the request, also in archives and in paths with blanks."""
    folder = tmp_path / "the logs"
    folder.mkdir()
    (folder / "api.log").write_text(f"{request_id} now\nanother one: axbxcxdx\n")
    (folder / "api.log.20261126T010203.000000Z").write_text(f"{request_id} before\n")
    text = format_alert(replace(ALERT, request_id=request_id), Deployment(str(folder / "api.log")), Severity.CRITICAL)
    (command,) = re.findall("^find the log lines: (.+)$", text, re.MULTILINE)
    found = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert ["now", "before"] == [line.rpartition(" ")[2] for line in found.stdout.splitlines()]


def test_alert_is_restored_from_json() -> None:
    """An alert restored from JSON equals the original, even if the alert contains lone surrogates."""
    alert = Alert("request", Summary("é \udc80"), {"a": [1]}, None, {"error": "\r\n"}, "place", "/x")
    assert alert.to_json().isascii()
    assert alert == Alert.from_json(alert.to_json())


def test_alert_of_a_newer_version_is_readable() -> None:
    """Unknown fields of a newer version are ignored, because two versions can run at the same time during an update."""
    newer = json.dumps(json.loads(ALERT.to_json()) | {"colour": "red"})
    assert ALERT == Alert.from_json(newer)


def test_the_subject_contains_no_lone_surrogate() -> None:
    """A HOST_NAME that is not UTF-8 is mailed with question marks, because the spool stores only UTF-8."""
    mail = build_message(incident(), MailType.FIRST, replace(DEPLOYMENT, host_name="h\udce9te"), 30)
    assert "[tax-service on h?te] 1 request failed" == mail.subject
    spool = Spool(None)
    spool.report(ALERT, 10)
    (opened,) = spool.open_incidents()
    spool.queue_mail(opened.id, lambda _: (MailType.FIRST, mail), 30)
    assert [mail.subject] == [queued.subject for queued in spool.find_due(30)]


def test_first_mail_has_text_and_count() -> None:
    """The first mail has its own subject, the alert's text, the request id, and the number of failures."""
    mail = build_message(incident(total=3), MailType.FIRST, DEPLOYMENT, 30)
    assert ("", "abc12345", "alert.c0ffee.1") == (mail.suffix, mail.request_id, mail.name)
    assert "[tax-service on host1] 3 requests failed" == mail.subject
    assert mail.body.startswith(format_alert(ALERT, DEPLOYMENT, Severity.CRITICAL))
    assert "failures in this mail: 3\nfailures in all: 3\n" in mail.body


@pytest.mark.parametrize(
    ("step", "suffix", "sentence"),
    [
        (MailType.DIGEST, " [+4 since ", "This failure continues"),
        (MailType.RECOVERED, " [recovered]", "Recovered: this failure"),
    ],
)
def test_later_mails_differ_by_subject_and_opening(step: MailType, suffix: str, sentence: str) -> None:
    """Digests and recovery mails have their own subject and opening, and count the failures since the last mail."""
    mail = build_message(incident(total=5, mailed=1), step, DEPLOYMENT, 30)
    assert mail.suffix.startswith(suffix)
    assert mail.body.startswith(sentence)
    assert "failures in this mail: 4\nfailures in all: 5\n" in mail.body
    assert "some request ids: abc12345\n" in mail.body
    assert "alert.c0ffee.2" == mail.name


def test_no_failure_can_forge_a_header_or_a_line() -> None:
    """Line breaks and control characters in a request, an error or a setting cannot forge a header or a line."""
    evil = "x\r\nBcc: evil@example.org\r\n\r\nhello\x1b[2J\u2028\udc80"
    alert = Alert("request", Summary.REQUEST_FAILED, {"response": {"errors": [evil]}}, None, {"error": evil})
    mail = build_message(incident(alert), MailType.FIRST, DEPLOYMENT, 30)
    settings = replace(SETTINGS, subject="Crash\r\nBcc: evil@example.org")
    message = message_from_bytes(SmtpMailer(settings).serialize(mail))
    assert message["Bcc"] is None
    assert "Crash\\x0d\\x0aBcc: evil@example.org" == message["Subject"]
    assert [] == [line for line in mail.body.splitlines() if line.startswith(("Bcc", "hello"))]


def test_mail_is_ascii() -> None:
    """A mail consists of ASCII lines, because not every server accepts other bytes. A mail program decodes its text."""
    raw = SmtpMailer(SETTINGS).serialize(MailMessage("alert.c0ffee.1", "", "échec\n", 30, "request"))
    assert raw.isascii()
    assert ["échec"] == message_from_bytes(raw, policy=policy.default).get_content().splitlines()


def test_message_is_the_same_at_each_attempt() -> None:
    """Each attempt sends the same message, including Message-ID and date."""
    mail = MailMessage("alert.c0ffee.1", "", "text\n", 30, "request", "abc12345")
    first, second = (SmtpMailer(SETTINGS).serialize(mail) for _ in range(2))
    assert "<alert.c0ffee.1@example.org>" == message_from_bytes(first)["Message-ID"]
    assert first == second

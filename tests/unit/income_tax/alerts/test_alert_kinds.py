"""Each kind of alert has its own subject, severity and section of the runbook."""

import json
import re
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import get_args

import pytest

from income_tax.alerts.alert import Alert, Kind, Summary
from income_tax.alerts.alert_kinds import KINDS, OTHER, RUNBOOK, Severity, describe_kind
from income_tax.alerts.alert_text import format_alert
from income_tax.alerts.deployment import Deployment
from income_tax.alerts.incident_policy import MailType
from income_tax.alerts.mail_addresses import MailAddress
from income_tax.alerts.mail_message import MailMessage, build_email, build_message
from income_tax.alerts.spool import Spool
from income_tax.alerts.webhook import WebhookChannel
from tests.support.data import ROOT
from tests.support.fakes import DEPLOYMENT
from tests.unit.income_tax.alerts.world import build_alert, get_incident

ADDRESS = MailAddress("tax@example.org")


def read_subject(mail: MailMessage, configured: str = "") -> str:
    """Return the decoded subject of a mail."""
    return str(message_from_bytes(build_email(mail, ADDRESS, [ADDRESS], configured), policy=policy.default)["Subject"])


def build_mail(kind: Kind, mail_type: MailType, failures: int = 1) -> MailMessage:
    """Build a mail about some failures, of which the first was mailed before."""
    spool = Spool(None)
    for _ in range(failures):
        spool.report(build_alert(kind, "id-1"), 1.0)
    return build_message(replace(get_incident(spool), mailed=1), mail_type, DEPLOYMENT, 30.0)


def test_every_kind_has_a_description() -> None:
    """The table describes exactly the kinds of alerts. No two kinds have the same subject."""
    assert set(get_args(Kind)) == set(KINDS)
    assert len(KINDS) == len({kind.subject for kind in KINDS.values()})


def list_sections() -> list[str]:
    """Return the anchors of the headings in the runbook."""
    headings = re.findall(r"^#+ (.*)$", (ROOT / RUNBOOK).read_text(encoding="utf-8"), re.MULTILINE)
    return [heading.lower().replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_section_of_the_runbook_exists(name: str) -> None:
    """The runbook has a section with the anchor of each kind. The reference lists subject and severity of the kind."""
    kind = KINDS[name]
    assert kind.section in list_sections()
    reference = (ROOT / "docs/reference/alerts.md").read_text(encoding="utf-8")
    subject = kind.subject.format(count="N")
    assert f"| `{name}` | {subject} | {kind.severity} | " in reference
    assert f"(../how-to/alerts.md#{kind.section})" in reference


@pytest.mark.parametrize(("count", "subject"), [(1, "1 request failed"), (2, "2 requests failed")])
def test_the_subject_counts_requests(count: int, subject: str) -> None:
    """The subject of failed requests contains their number."""
    assert f"[tax-service on host1] {subject}" == read_subject(build_mail("request", MailType.FIRST, count))


def test_later_mails_have_the_subject_with_a_suffix() -> None:
    """A digest and a recovery mail append their suffix to the own subject. The recovery is no longer critical."""
    digest, recovered = (build_mail("startup", mail_type, 5) for mail_type in (MailType.DIGEST, MailType.RECOVERED))
    assert read_subject(digest).startswith("[tax-service on host1] could not start [+4 since ")
    assert "[tax-service on host1] could not start [recovered]" == read_subject(recovered)
    assert ["critical", "info"] == [
        re.findall("^severity: (.*)$", m.body, re.MULTILINE)[0] for m in (digest, recovered)
    ]


def test_a_configured_subject_replaces_the_own_subject() -> None:
    """ALERT_SUBJECT replaces the own subject, and keeps the suffix."""
    assert "Crash [recovered]" == read_subject(build_mail("database", MailType.RECOVERED), "Crash")


def test_a_mail_of_an_older_version_has_a_subject() -> None:
    """A mail that an older version has spooled without a subject is sent with a general subject and its suffix."""
    mail = replace(build_mail("database", MailType.RECOVERED), subject="")
    assert "[tax-service] failure [recovered]" == read_subject(mail)


def test_text_leads_to_the_cause() -> None:
    """The text names the machine, the replica, the commands for the log, the status page and the runbook."""
    alert = replace(build_alert("request", "id-1"), host="replica1")
    lines = format_alert(alert, DEPLOYMENT, Severity.CRITICAL).splitlines()
    assert {
        "host: host1",
        "replica: replica1",
        "or in the stack: make logs ID=id-1",
        "status page: http://127.0.0.1:8080/status",
        "runbook: docs/how-to/alerts.md#requests-failed",
    } <= set(lines)
    without = format_alert(Alert.for_service("log", Summary.LOG_NOT_WRITTEN, "x"), Deployment("/l"), Severity.WARNING)
    assert not re.search("^(status page|or in the stack|request id): ", without, re.MULTILINE)


def test_a_kind_of_a_newer_version_is_described() -> None:
    """A kind that a newer version has spooled during an update gets a general description and an existing section."""
    assert OTHER is describe_kind("newer")
    assert OTHER.section in list_sections()


def test_the_host_is_the_setting_or_the_file_or_the_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting precedes the file of `make up`, which precedes the process's own host name."""
    monkeypatch.setattr("socket.gethostname", lambda: "c0ffee")
    file = tmp_path / "host"
    assert ["c0ffee", "c0ffee"] == [Deployment("/l").host, Deployment("/l", host_file=file).host]
    file.write_text("machine\n")
    assert ["machine", "set"] == [Deployment("/l", name, file).host for name in ("", "set")]


def test_the_webhook_has_the_documented_fields() -> None:
    """The example of the reference has exactly the fields of the webhook, in the same order."""
    text = (ROOT / "docs/reference/alerts.md").read_text(encoding="utf-8")
    example = json.loads(text.partition("```json")[2].partition("```")[0])
    spool = Spool(None)
    spool.report(build_alert("request", "id-1"), 1.0)
    mail = WebhookChannel("http://127.0.0.1/").build_message(get_incident(spool), MailType.FIRST, DEPLOYMENT, 30.0)
    built = json.loads(mail.body)
    assert list(example) == list(built)
    assert list(example["links"]) == list(built["links"])
    assert {name: type(value) for name, value in example.items()} == {n: type(value) for n, value in built.items()}

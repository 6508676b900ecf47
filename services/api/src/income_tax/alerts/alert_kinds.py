"""The kinds of alerts: the subject of their mails, their severity, and the section of the runbook."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

RUNBOOK = "docs/how-to/alerts.md"


class Severity(StrEnum):
    """The severities of alerts. Mails about a recovery have the severity `info`."""

    CRITICAL = "critical"  # requests fail, or a replica or the service does not run
    WARNING = "warning"  # requests are answered, but a part of the service needs a repair
    INFO = "info"


@dataclass(frozen=True, slots=True)
class KindDescription:
    """The description of a kind. `subject` can contain {count}, the number of failures."""

    subject: str
    severity: Severity
    section: str  # anchor of the section in the runbook
    subject_of_one: str = ""  # the subject if {count} is 1; empty: `subject`

    @property
    def runbook(self) -> str:
        """The path of the runbook's section about this kind."""
        return f"{RUNBOOK}#{self.section}"

    def build_subject(self, host: str, count: int) -> str:
        """Build the subject of a mail about `count` failures of a machine."""
        text = (self.subject_of_one if count == 1 else "") or self.subject
        return f"[tax-service on {host}] {text.format(count=count)}"


KINDS: Mapping[str, KindDescription] = {
    "startup": KindDescription("could not start", Severity.CRITICAL, "the-service-could-not-start"),
    "drill": KindDescription("could not start (drill)", Severity.INFO, "provoke-an-alert"),
    "request": KindDescription(
        "{count} requests failed", Severity.CRITICAL, "requests-failed", subject_of_one="1 request failed"
    ),
    "database": KindDescription("database lost", Severity.WARNING, "the-database-is-lost"),
    "log": KindDescription("log not written", Severity.WARNING, "the-log-is-not-written"),
    "reload": KindDescription("schedules not reloaded", Severity.WARNING, "the-schedules-were-not-reloaded"),
    "schedules": KindDescription("schedule snapshot invalid", Severity.WARNING, "the-schedule-snapshot-is-invalid"),
    "users": KindDescription("users file invalid", Severity.WARNING, "the-users-file-is-invalid"),
    "state": KindDescription("state not written", Severity.WARNING, "the-state-is-not-written"),
    "replica": KindDescription("replica stands still", Severity.CRITICAL, "a-replica-stands-still"),
    "missing": KindDescription("replica missing", Severity.CRITICAL, "a-replica-is-missing"),
    "proxy": KindDescription("nginx could not start again", Severity.WARNING, "nginx-could-not-start-again"),
}
# The kind of an alert that a newer version has spooled during an update.
OTHER = KindDescription("alert", Severity.WARNING, "runbook")


def describe_kind(kind: str) -> KindDescription:
    """Return the description of a kind, or a general description if a newer version has added the kind."""
    return KINDS.get(kind, OTHER)

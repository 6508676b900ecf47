"""Test doubles for slow, random or external dependencies."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage

from income_tax.alerts.channel import MailError, MailRefused, MailUnconfirmed, Refusals
from income_tax.alerts.deployment import Deployment
from income_tax.alerts.incident_policy import Incident, MailType
from income_tax.alerts.mail_message import MailMessage, build_message
from income_tax.metrics.shared_counters import SharedCounters
from income_tax.metrics.worker_counters import WorkerCounters
from income_tax.storage.login_failure_store import Failures

DEPLOYMENT = Deployment("/l", "host1", status_page="http://127.0.0.1:8080/status")


@dataclass
class FakeMailer:
    """A mailer that keeps mails in memory.

    If `broken` is set, the server does not answer. If `refusing` is set, the server rejects each mail permanently. If
    `silent` is set, the server receives each mail, but does not reply. The server rejects the recipients in `refusals`
    and accepts the mail for all other recipients.
    """

    name: str = "mail"
    file_suffix: str = ".eml"
    sent: list[MailMessage] = field(default_factory=list)
    broken: bool = False
    refusing: bool = False
    silent: bool = False
    attempts: int = 0
    refusals: Refusals = field(default_factory=dict)

    def send(self, mail: MailMessage, before_end: Callable[[], object]) -> Refusals:
        self.attempts += 1
        if self.broken:
            raise MailError("SMTP server 127.0.0.1:1: ConnectionRefusedError: refused", server=True)
        if self.refusing:
            raise MailRefused("SMTP server 127.0.0.1:1: SMTPDataError: (550, b'no')")
        before_end()
        self.sent.append(mail)
        if self.silent:
            raise MailUnconfirmed("SMTP server 127.0.0.1:1: no reply to the text")
        return self.refusals

    def build_message(self, incident: Incident, mail_type: MailType, deployment: Deployment, now: float) -> MailMessage:
        return build_message(incident, mail_type, deployment, now)

    def serialize(self, mail: MailMessage) -> bytes:
        message = EmailMessage()
        message["Message-ID"] = f"<{mail.name}@test>"
        message.set_content(mail.body)
        return bytes(message)


@dataclass
class FakeClock:
    """A clock that advances only when a test sets `now`."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeUsers:
    """A user store with a password hash for each login name."""

    hashes: Mapping[str, str]

    def find_hash(self, login: str) -> str | None:
        return self.hashes.get(login)


@dataclass
class FakeFailures:
    """A store that keeps failed login attempts in memory. If `broken` is set, queries raise an error."""

    kept: dict[tuple[str, str], Failures] = field(default_factory=dict)
    broken: bool = False

    def find(self, login: str, address: str) -> Failures | None:
        if self.broken:
            raise sqlite3.OperationalError("disk I/O error")
        return self.kept.get((login, address))

    def add(self, login: str, address: str, now: float, forgotten: float) -> None:
        before = self.find(login, address)
        count = before.count if before and before.last >= forgotten else 0
        self.kept[login, address] = Failures(count + 1, now)

    def clear(self, login: str, address: str) -> None:
        self.kept.pop((login, address), None)


@dataclass
class Lines:
    """A log file in memory."""

    written: list[bytes] = field(default_factory=list)

    @property
    def write(self) -> Callable[[bytes], None]:
        return self.written.append


def build_counters() -> WorkerCounters:
    """Build counters in memory that no other process uses."""
    return WorkerCounters(SharedCounters(slots=4))

"""The text and headers of an incident's mails."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import formatdate

from tax_common.text_formatting import escape_controls, replace_surrogates

from .alert import Alert
from .alert_kinds import Severity, describe_kind
from .alert_text import format_alert
from .deployment import Deployment
from .header_encoding import encode_text
from .incident_policy import Incident, MailType
from .mail_addresses import MailAddress

FORMER_SUBJECT = "[tax-service] failure"  # of mails that an older version has spooled


@dataclass(frozen=True, slots=True)
class MailMessage:
    """A mail in the spool. The settings provide the sender and the recipients when the mail is sent."""

    name: str  # local part of the Message-ID, identical for all attempts
    suffix: str  # appended to the subject
    body: str
    time: float  # Unix timestamp
    kind: str
    request_id: str = ""
    subject: str = ""  # the kind's own subject; empty: an older version has spooled the mail
    recipients: str = ""  # addresses that have not received the mail, one per line; empty: all recipients
    id: int = 0
    attempts: int = 0
    copies: int = 0  # attempts after which the server might have delivered the mail
    refusals: int = 0  # attempts that the server refused permanently (5xx)


def build_message(incident: Incident, mail_type: MailType, deployment: Deployment, now: float) -> MailMessage:
    """Build a mail of the given type about the incident."""
    is_first = mail_type is MailType.FIRST
    alert = Alert.from_json(incident.first if is_first else incident.last)
    parts = [] if is_first else [build_opening(incident, mail_type)]
    kind = describe_kind(incident.kind)
    severity = Severity.INFO if mail_type is MailType.RECOVERED else kind.severity
    parts += [format_alert(alert, deployment, severity), format_counts(incident)]
    return MailMessage(
        name=f"alert.{incident.token}.{incident.mails + 1}",
        suffix=build_suffix(incident, mail_type),
        # Neither the spool nor a mail can store lone surrogates. File names, headers and settings can contain them.
        body=replace_surrogates("\n".join(parts)),
        time=now,
        kind=incident.kind,
        request_id=alert.request_id or "",
        subject=replace_surrogates(kind.build_subject(deployment.host, incident.total)),
    )


def build_suffix(incident: Incident, mail_type: MailType) -> str:
    """Build the text that is appended to the subject. Return an empty string for the first mail."""
    if mail_type is MailType.FIRST:
        return ""
    if mail_type is MailType.RECOVERED:
        return " [recovered]"
    return f" [+{incident.total - incident.mailed} since {to_local_time(incident.last_mail):%H:%M}]"


def build_opening(incident: Incident, mail_type: MailType) -> str:
    """Build the first line of a digest or recovery mail."""
    if mail_type is MailType.DIGEST:
        continues = "comes and goes" if incident.recoveries else "continues"
        return f"This failure {continues}. The last failure:\n"
    if incident.kind == "startup":
        return "Recovered: the service has started. The last failure:\n"
    if incident.kind == "request":
        return "Recovered: this failure has not happened for a while. The last failure:\n"
    return "Recovered: the failed operation works again. The last failure:\n"


def format_counts(incident: Incident) -> str:
    """Format the number of failures since the previous mail, the total, the times and some request ids."""
    ids = ", ".join(json.loads(incident.request_ids))
    lines = [
        f"failures in this mail: {incident.total - incident.mailed}",
        f"failures in all: {incident.total}",
        *([f"recoveries in all: {incident.recoveries}"] if incident.recoveries else []),
        f"first seen: {to_local_time(incident.first_seen).isoformat(timespec='seconds')}",
        f"last seen: {to_local_time(incident.last_seen).isoformat(timespec='seconds')}",
        *([f"some request ids: {escape_controls(ids)}"] if ids else []),
    ]
    return "\n".join(lines) + "\n"


def to_local_time(seconds: float) -> datetime:
    """Convert a Unix timestamp to local time."""
    return datetime.fromtimestamp(seconds).astimezone()


def build_email(mail: MailMessage, sender: MailAddress, recipients: Sequence[MailAddress], subject: str) -> bytes:
    """Build the e-mail in ASCII with its headers. The Message-ID is identical for all attempts.

    `subject` replaces the mail's own subject. If it is empty, the mail has its own subject.
    """
    text = subject or mail.subject or FORMER_SUBJECT
    headers = {
        "From": sender.format(),
        "To": ",\r\n ".join(recipient.format() for recipient in recipients),
        "Subject": encode_text(escape_controls(text + mail.suffix)),
        "Date": formatdate(mail.time, localtime=True),
        "Message-ID": f"<{mail.name}@{extract_domain(sender.address)}>",
    }
    if mail.request_id:
        headers["X-Request-ID"] = encode_text(escape_controls(mail.request_id), longest=900)
    content = EmailMessage(policy.SMTP.clone(cte_type="7bit"))  # because not every server supports 8BITMIME
    content.set_content(mail.body)
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii") + content.as_bytes()


def extract_domain(address: str) -> str:
    """Return the domain of an address, without characters that are invalid in host names.

    Return `localhost` if no character remains.
    """
    name = "".join(c for c in address.rpartition("@")[2] if c.isascii() and (c.isalnum() or c in ".-"))
    return name or "localhost"

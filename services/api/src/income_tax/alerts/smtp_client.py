"""The SMTP client, which sends mails to the mail server."""

import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .channel import MailError, MailRefused, MailUnconfirmed, Refusals
from .deployment import Deployment
from .incident_policy import Incident, MailType
from .mail_addresses import MailAddress
from .mail_message import MailMessage, build_email, build_message
from .smtp_replies import decode_reply, describe_error, is_about_session, is_refusal, list_replies
from .smtp_session import LAST_REPLY, LastReplyMissing, SmtpSession, TlsSmtpSession

# The standard library raises ValueError or LookupError if a host name or a reply is invalid.
SMTP_ERRORS = (OSError, smtplib.SMTPException, ValueError, LookupError)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Settings of the SMTP server and the envelope. `tls` is "none", "starttls" or "tls" (implicit TLS, RFC 8314)."""

    host: str
    port: int
    sender: MailAddress
    recipients: Sequence[MailAddress]
    subject: str = ""  # replaces the own subjects of the mails; empty: each mail has its own subject
    tls: str = "none"
    ca_file: Path | None = None  # file of CA certificates that are trusted in addition to the system's certificates
    user: str = ""
    password: str = field(default="", repr=False)
    helo_name: str = ""  # name for EHLO; empty: the name or the address of this host
    timeout: float = 300.0  # seconds for each step of the SMTP dialogue before the reply to the text


class SmtpMailer:
    """Sends each mail over a separate SMTP connection. `last_reply` is the wait for the reply to the text."""

    name = "mail"
    file_suffix = ".eml"

    def __init__(self, settings: MailSettings, last_reply: float = LAST_REPLY) -> None:
        self._settings = settings
        self._last_reply = last_reply

    def send(self, mail: MailMessage, before_end: Callable[[], object]) -> Refusals:
        """Send the mail. If the server accepted it for at least one recipient, return the refused recipients.

        Raises MailRefused if the server permanently refused this mail, MailUnconfirmed if the last reply is missing,
        and MailError for every other failure. A reply about the session, such as rejected credentials, raises
        MailError.
        """
        recipients = select_recipients(self._settings.recipients, mail)
        if mail.recipients and not recipients:
            return {}  # the settings no longer name the remaining recipients
        session = None
        try:
            session = self._connect()
            refused = session.transmit(self._settings.sender.address, recipients, self.serialize(mail), before_end)
        except SMTP_ERRORS as error:
            raise self._interpret(error, is_connected=session is not None) from error
        finally:
            if session:
                session.leave()
        return {recipient: decode_reply(*reply) for recipient, reply in refused.items()}

    def build_message(self, incident: Incident, mail_type: MailType, deployment: Deployment, now: float) -> MailMessage:
        """Build the mail of the given type about the incident."""
        return build_message(incident, mail_type, deployment, now)

    def serialize(self, mail: MailMessage) -> bytes:
        """Build the e-mail to the currently configured recipients."""
        return build_email(mail, self._settings.sender, self._settings.recipients, self._settings.subject)

    def _interpret(self, error: Exception, is_connected: bool) -> Exception:
        """Return the exception that describes the error's consequence for the mail."""
        reason = f"SMTP server {self._settings.host}:{self._settings.port}: {describe_error(error)}"
        replies = list_replies(error).values() if is_connected else []
        if isinstance(error, LastReplyMissing):
            return MailUnconfirmed(reason)
        if not replies or any(map(is_about_session, replies)):
            return MailError(reason, server=True)
        return MailRefused(reason) if all(map(is_refusal, replies)) else MailError(reason, server=False)

    def _connect(self) -> SmtpSession:
        s = self._settings
        if s.tls == "tls":
            session: SmtpSession = TlsSmtpSession(
                s.host, s.port, s.timeout, self._last_reply, context=self._build_context()
            )
        else:
            session = SmtpSession(s.host, s.port, s.timeout, self._last_reply)
        try:
            session.greet(s.helo_name)
            if s.tls == "starttls":
                session.starttls(context=self._build_context())
                session.greet(s.helo_name)
            if s.user:
                session.login(s.user, s.password)
        except BaseException:
            session.close()
            raise
        return session

    def _build_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._settings.ca_file:
            context.load_verify_locations(self._settings.ca_file)
        return context


def select_recipients(configured: Sequence[MailAddress], mail: MailMessage) -> list[str]:
    """Return the addresses of the configured recipients that have not received the mail."""
    left = mail.recipients.splitlines()
    return [recipient.address for recipient in configured if not left or recipient.address in left]

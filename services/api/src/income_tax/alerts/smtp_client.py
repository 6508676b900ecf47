"""The SMTP client, which sends mails to the mail server."""

import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .mail_addresses import MailAddress
from .mail_message import MailMessage, build_email
from .smtp_replies import Reply, decode_reply, describe_error, is_about_session, is_refusal, list_replies
from .smtp_session import LAST_REPLY, LastReplyMissing, SmtpSession, TlsSmtpSession

# The standard library raises ValueError or LookupError if a host name or a reply is invalid.
SMTP_ERRORS = (OSError, smtplib.SMTPException, ValueError, LookupError)

# A mapping from each refused recipient to the server's reply.
Refusals = Mapping[str, Reply]


class MailError(Exception):
    """A mail was not sent, but a later attempt might succeed. The message names the server and the reason.

    If `server` is true, the error concerns the server and not the mail, so the other mails are also postponed.
    """

    def __init__(self, reason: str, server: bool) -> None:
        super().__init__(reason)
        self.server = server


class MailRefused(Exception):
    """The server permanently refused a mail (5xx). The message quotes the server's reply."""


class MailUnconfirmed(Exception):
    """The server received a mail, but did not reply. It might deliver the mail. The message describes the error."""


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


class Mailer(Protocol):
    """Interface of objects that build and send mails."""

    def send(self, mail: MailMessage, before_end: Callable[[], object]) -> Refusals:
        """Send the mail, and return the recipients that were refused. Call `before_end` before the end of the text.

        Raises MailError, MailRefused or MailUnconfirmed.
        """

    def build_email(self, mail: MailMessage) -> bytes:
        """Build the e-mail that `send` sends."""


class SmtpMailer:
    """Sends each mail over a separate SMTP connection. `last_reply` is the wait for the reply to the text."""

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
            refused = session.transmit(self._settings.sender.address, recipients, self.build_email(mail), before_end)
        except SMTP_ERRORS as error:
            raise self._interpret(error, is_connected=session is not None) from error
        finally:
            if session:
                session.leave()
        return {recipient: decode_reply(*reply) for recipient, reply in refused.items()}

    def build_email(self, mail: MailMessage) -> bytes:
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

"""Sending of mails to the SMTP server."""

import contextlib
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import formatdate, getaddresses
from pathlib import Path
from typing import Protocol

from tax_common.text import escape_controls

from .mail_message import MailMessage

# Lines are folded by RFC 5322; addresses outside ASCII need a server that accepts them.
POLICY = policy.SMTP

# The standard library raises ValueError and LookupError for an invalid address or host name.
SMTP_ERRORS = (OSError, smtplib.SMTPException, ValueError, LookupError)

# Recipients that the server refused, each with its code and its text.
Refusals = Mapping[str, tuple[int, str]]


class MailError(Exception):
    """The mail was not sent, and a later attempt may succeed; the text names the server and the reason.

    `server` is true when the server failed, not this mail: other mails need not be tried now.
    """

    def __init__(self, reason: str, server: bool) -> None:
        super().__init__(reason)
        self.server = server


class MailRefused(Exception):
    """The server has refused this mail for good (5xx); the text quotes its reply."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The SMTP server and the envelope; `tls` is none, starttls or tls (RFC 8314's implicit TLS)."""

    host: str
    port: int
    sender: str
    recipient: str
    subject: str
    tls: str = "none"
    ca_file: Path | None = None  # certificates trusted besides the system's authorities
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 5.0  # seconds, for each step of the dialogue


class Mailer(Protocol):
    """Sends mails."""

    def send(self, mail: MailMessage) -> Refusals:
        """Send the mail; return the recipients that were refused. Raises MailError or MailRefused."""

    def build_email(self, mail: MailMessage) -> EmailMessage:
        """Build the mail as it is sent."""


class SmtpMailer:
    """Sends each mail over an SMTP connection of its own."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def send(self, mail: MailMessage) -> Refusals:
        """Send the mail; return the recipients that the server refused while it accepted others.

        Raises MailRefused when the server refused this mail for good, MailError for every other failure: one before the
        mail is offered, such as a refused login, may succeed later.
        """
        where = f"SMTP server {self._settings.host}:{self._settings.port}"
        try:
            message = self.build_email(mail)
            recipients = select_recipients(message, mail)
            if mail.recipients and not recipients:
                return {}  # the settings no longer name the remaining recipients
            smtp = self._connect()
        except SMTP_ERRORS as error:
            raise MailError(f"{where}: {type(error).__name__}: {error}", server=True) from error
        try:
            refused = smtp.send_message(message, to_addrs=recipients)
        except SMTP_ERRORS as error:
            reason = f"{where}: {type(error).__name__}: {error}"
            if is_permanent(error):
                raise MailRefused(reason) from error
            raise MailError(reason, server=not get_reply_codes(error) or 421 in get_reply_codes(error)) from error
        finally:
            # The server has accepted the mail or not: a failed goodbye changes nothing.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()
        return {to: (code, f"{code} {reply.decode(errors='replace')}") for to, (code, reply) in refused.items()}

    def build_email(self, mail: MailMessage) -> EmailMessage:
        """Build the mail to the recipients of today's settings; its Message-ID is the same at each attempt."""
        s = self._settings
        message, name = EmailMessage(POLICY), f"<{mail.name}@{extract_domain(s.sender)}>"
        message["From"], message["To"] = escape_controls(s.sender), escape_controls(s.recipient)
        message["Subject"] = escape_controls(s.subject + mail.suffix)
        message["Date"], message["Message-ID"] = formatdate(mail.time, localtime=True), name
        if mail.request_id:
            message["X-Request-ID"] = escape_controls(mail.request_id)
        message.set_content(mail.body)
        return message

    def _connect(self) -> smtplib.SMTP:
        s = self._settings
        if s.tls == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(s.host, s.port, timeout=s.timeout, context=self._build_context())
        else:
            smtp = smtplib.SMTP(s.host, s.port, timeout=s.timeout)
        try:
            if s.tls == "starttls":
                smtp.starttls(context=self._build_context())
            if s.user:
                smtp.login(s.user, s.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _build_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._settings.ca_file:
            context.load_verify_locations(self._settings.ca_file)
        return context


def get_reply_codes(error: Exception) -> list[int]:
    """Return the codes of the server's replies, none when the connection failed."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0 else []


def is_permanent(error: Exception) -> bool:
    """Return whether the server has refused the mail for good, for all its recipients."""
    codes = get_reply_codes(error)
    return bool(codes) and all(500 <= code < 600 for code in codes)


def select_recipients(message: EmailMessage, mail: MailMessage) -> list[str]:
    """Return the recipients of the settings that have not received the mail."""
    named = [address for _, address in getaddresses(message.get_all("To", []))]
    left = mail.recipients.splitlines()
    return [address for address in named if address in left] if left else named


def extract_domain(address: str) -> str:
    """Return the domain of an address without the characters that no host name has."""
    name = "".join(c for c in address.rpartition("@")[2] if c.isascii() and (c.isalnum() or c in ".-"))
    return name or "localhost"

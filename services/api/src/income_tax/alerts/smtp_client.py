"""The SMTP client, which sends mails to the mail server."""

import contextlib
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Protocol

from .mail_message import MailMessage, build_email

# The standard library raises ValueError or LookupError if an address or host name is invalid.
SMTP_ERRORS = (OSError, smtplib.SMTPException, ValueError, LookupError)

# A mapping from each refused recipient to the code and the text of the server's reply.
Refusals = Mapping[str, tuple[int, str]]


class MailError(Exception):
    """A mail was not sent, but a later attempt might succeed. The message names the server and the reason.

    If `server` is true, the error concerns the server and not the mail, so the other mails are also postponed.
    """

    def __init__(self, reason: str, server: bool) -> None:
        super().__init__(reason)
        self.server = server


class MailRefused(Exception):
    """The server permanently refused a mail (5xx). The message quotes the server's reply."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Settings of the SMTP server and the envelope. `tls` is "none", "starttls" or "tls" (implicit TLS, RFC 8314)."""

    host: str
    port: int
    sender: str
    recipient: str
    subject: str
    tls: str = "none"
    ca_file: Path | None = None  # file of CA certificates that are trusted in addition to the system's certificates
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 5.0  # seconds for each step of the SMTP dialogue


class Mailer(Protocol):
    """Interface of objects that build and send mails."""

    def send(self, mail: MailMessage) -> Refusals:
        """Send the mail, and return the recipients that were refused. Raises MailError or MailRefused."""

    def build_email(self, mail: MailMessage) -> EmailMessage:
        """Build the e-mail that `send` sends."""


class SmtpMailer:
    """Sends each mail over a separate SMTP connection."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def send(self, mail: MailMessage) -> Refusals:
        """Send the mail. If the server accepted it for at least one recipient, return the refused recipients.

        Raises MailRefused if the server permanently refused this mail, and MailError for every other failure. A failure
        before the server receives the mail, such as rejected credentials, raises MailError.
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
            # The server has already accepted or refused the mail, so a failed QUIT is ignored.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()
        return {to: (code, f"{code} {reply.decode(errors='replace')}") for to, (code, reply) in refused.items()}

    def build_email(self, mail: MailMessage) -> EmailMessage:
        """Build the e-mail to the currently configured recipients."""
        return build_email(mail, self._settings.sender, self._settings.recipient, self._settings.subject)

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
    """Return the server's reply codes in the error, or an empty list if the error contains no reply."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0 else []


def is_permanent(error: Exception) -> bool:
    """Return whether the server permanently refused the mail for all recipients."""
    codes = get_reply_codes(error)
    return bool(codes) and all(500 <= code < 600 for code in codes)


def select_recipients(message: EmailMessage, mail: MailMessage) -> list[str]:
    """Return the configured recipients that have not received the mail."""
    named = [address for _, address in getaddresses(message.get_all("To", []))]
    left = mail.recipients.splitlines()
    return [address for address in named if address in left] if left else named

"""Hands mails to the SMTP server."""

import contextlib
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from pathlib import Path
from typing import Protocol

from tax_common.text import escape_controls

from .mail_message import Letter, moment

# Lines are folded as RFC 5322 has it; addresses outside ASCII need a server that takes them.
FORM = policy.SMTP

# ValueError and LookupError: what the standard library makes of an address or a host's name that is none.
FAILURES = (OSError, smtplib.SMTPException, ValueError, LookupError)

# Recipients that were refused, each with the server's code and words.
Refusals = Mapping[str, tuple[int, str]]


class MailError(Exception):
    """The mail was not handed over, and may be later; the text says where and why.

    `server` tells that the server, not this mail, is what failed: another mail need not be tried now.
    """

    def __init__(self, reason: str, server: bool) -> None:
        super().__init__(reason)
        self.server = server


class MailRefused(Exception):
    """The server has refused this mail for good (5xx): the text has its words."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The SMTP server and the envelope; `tls` is none, starttls or tls (RFC 8314's implicit TLS)."""

    host: str
    port: int
    sender: str
    recipient: str
    subject: str
    tls: str = "none"
    ca_file: Path | None = None  # trusted besides the system's authorities
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 5.0  # seconds, for each step of the dialogue


class Mailer(Protocol):
    """What can send a mail."""

    def send(self, letter: Letter) -> Refusals:
        """Hand the mail over: the recipients that were refused, when another got it; MailError, MailRefused."""

    def message(self, letter: Letter) -> EmailMessage:
        """The mail as it is sent."""


class SmtpMailer:
    """Sends each mail over an SMTP connection of its own."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def send(self, letter: Letter) -> Refusals:
        """Hand the mail to the SMTP server: the recipients that it refused, when another got it.

        Raises MailError when it may succeed later, MailRefused when it can't. What fails before the mail is offered,
        be it a login, tells nothing of the mail: that is the former.
        """
        where = f"SMTP server {self._settings.host}:{self._settings.port}"
        try:
            message = self.message(letter)
            recipients = addresses(message, letter)
            if letter.recipients and not recipients:
                return {}  # the settings no longer name whom it was still to be sent to
            smtp = self._connect()
        except FAILURES as error:
            raise MailError(f"{where}: {type(error).__name__}: {error}", server=True) from error
        try:
            refused = smtp.send_message(message, to_addrs=recipients)
        except FAILURES as error:
            reason = f"{where}: {type(error).__name__}: {error}"
            if is_permanent(error):
                raise MailRefused(reason) from error
            raise MailError(reason, server=not reply_codes(error) or 421 in reply_codes(error)) from error
        finally:
            # The server has the mail or not: how it says goodbye changes nothing.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()
        return {to: (code, f"{code} {words.decode(errors='replace')}") for to, (code, words) in refused.items()}

    def message(self, letter: Letter) -> EmailMessage:
        """The mail, to the recipients of today's settings; its Message-ID is the same at each attempt."""
        s = self._settings
        message = EmailMessage(FORM)
        message["From"], message["To"] = escape_controls(s.sender), escape_controls(s.recipient)
        message["Subject"] = escape_controls(s.subject + letter.suffix)
        message["Date"] = format_datetime(moment(letter.time))
        message["Message-ID"] = f"<{letter.name}@{domain(s.sender)}>"
        if letter.request_id:
            message["X-Request-ID"] = escape_controls(letter.request_id)
        message.set_content(letter.body)
        return message

    def _connect(self) -> smtplib.SMTP:
        s = self._settings
        if s.tls == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(s.host, s.port, timeout=s.timeout, context=self._trust())
        else:
            smtp = smtplib.SMTP(s.host, s.port, timeout=s.timeout)
        try:
            if s.tls == "starttls":
                smtp.starttls(context=self._trust())
            if s.user:
                smtp.login(s.user, s.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._settings.ca_file:
            context.load_verify_locations(self._settings.ca_file)
        return context


def reply_codes(error: Exception) -> list[int]:
    """The codes that the server has answered with, none when the connection failed."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0 else []


def is_permanent(error: Exception) -> bool:
    """Whether the server has refused the mail for good, for all its recipients."""
    codes = reply_codes(error)
    return bool(codes) and all(500 <= code < 600 for code in codes)


def addresses(message: EmailMessage, letter: Letter) -> list[str]:
    """Whom the mail is still to be sent to, of those that the settings name."""
    named = [address for _, address in getaddresses(message.get_all("To", []))]
    left = letter.recipients.splitlines()
    return [address for address in named if address in left] if left else named


def domain(address: str) -> str:
    """What follows the @ of an address, as far as it is a host's name."""
    name = "".join(c for c in address.rpartition("@")[2] if c.isascii() and (c.isalnum() or c in ".-"))
    return name or "localhost"

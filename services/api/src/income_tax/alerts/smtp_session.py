"""An SMTP connection on which every wait is bounded (RFC 5321, 4.5.3.2)."""

import contextlib
import hmac
import re
import smtplib
import socket
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any

from .smtp_reply_reader import ReplyReader

CONNECTION = 30.0  # maximum seconds for a TCP connection
DATA = 120.0  # maximum seconds for the reply to DATA
TEXT = 180.0  # maximum seconds for sending the text
LAST_REPLY = 600.0  # seconds for the reply to the text; a shorter wait would cause second copies
QUIT = 5.0  # maximum seconds for the reply to QUIT, which changes nothing
STEPS = 4  # the conversation up to the text may take this number of time-outs
CHALLENGES = 5  # maximum number of challenges of a login


class LastReplyMissing(smtplib.SMTPException):
    """The server received the whole mail, but has neither accepted nor refused it. It might deliver the mail."""


class SmtpSession(smtplib.SMTP):
    """A connection to a mail server. `timeout` bounds each step up to the text, `last_reply` the reply to the text."""

    def __init__(self, host: str, port: int, timeout: float, last_reply: float = LAST_REPLY, **options: Any) -> None:
        self._wait = self._timeout = timeout
        self._last_reply = last_reply
        self._end = time.monotonic() + STEPS * timeout
        super().__init__(host, port, local_hostname="localhost", timeout=min(timeout, CONNECTION), **options)

    def greet(self, name: str) -> None:
        """Send EHLO with this name, or with the best name of this host if `name` is empty."""
        address = self.sock.getsockname()[0] if self.sock else ""
        self.local_hostname = name or choose_helo_name(socket.getfqdn(), address)
        self.ehlo_or_helo_if_needed()

    def ehlo_or_helo_if_needed(self) -> None:
        """Send EHLO, or HELO to a server without EHLO. Raises SMTPHeloError with the server's first refusal."""
        if self.helo_resp is None and self.ehlo_resp is None:
            code, words = self.ehlo()
            if code in (500, 502):
                code, words = self.helo()
            if not is_accepted(code):
                raise smtplib.SMTPHeloError(code, words)

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply. Close the connection after an error."""
        try:
            if self.sock is None:
                raise smtplib.SMTPServerDisconnected("the connection is closed")
            if self.file is None:
                self.file = ReplyReader(self.sock)
            reply: tuple[int, bytes] = self.file.read_reply(min(time.monotonic() + self._wait, self._end))
        except (OSError, smtplib.SMTPException):
            self.close()
            raise
        return reply

    def send(self, s: Any) -> None:
        """Send text or bytes. If the server has closed the connection, raise the reply that it sent before."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        try:
            self.sock.settimeout(max(min(self._wait, self._end - time.monotonic()), 0.001))
            self.sock.sendall(s.encode("ascii") if isinstance(s, str) else s)
        except TimeoutError:
            self.close()
            raise
        except OSError:
            reply = self.getreply()  # raises the reason if there is no reply
            self.close()
            raise smtplib.SMTPResponseException(*reply) from None

    def auth(self, mechanism: str, authobject: Any, *, initial_response_ok: bool = True) -> tuple[int, bytes]:
        """Log in as smtplib does, but send user and password as UTF-8 (RFC 4616)."""
        first = authobject() if initial_response_ok else None
        code, words = self.docmd("AUTH", mechanism if first is None else f"{mechanism} {encode_answer(first)}")
        self._auth_challenge_count = int(first is not None)  # smtplib's answer for LOGIN depends on this number
        while code == 334 and self._auth_challenge_count < CHALLENGES:
            self._auth_challenge_count += 1
            code, words = self.docmd(encode_answer(authobject(b64decode(words))))
        if code in (235, 503):  # 503: already logged in
            return code, words
        raise smtplib.SMTPAuthenticationError(code, words)

    def auth_cram_md5(self, challenge: bytes | None = None) -> str | None:  # type: ignore[override]
        """Answer a challenge of CRAM-MD5 (RFC 2195)."""
        if challenge is None:
            return None
        key = self.password.encode("utf-8", "surrogateescape")
        return f"{self.user} {hmac.new(key, challenge, 'md5').hexdigest()}"

    def transmit(
        self, sender: str, recipients: Sequence[str], message: bytes, before_end: Callable[[], object]
    ) -> dict[str, tuple[int, bytes]]:
        """Send a mail, and return the replies to the refused recipients. Call `before_end` before the end of the text.

        Raises SMTPSenderRefused, SMTPRecipientsRefused or SMTPDataError if the server refuses the mail, and
        LastReplyMissing if the server might have accepted the mail.
        """
        code, words = self.mail(sender, [f"size={len(message)}"] if self.has_extn("size") else [])
        if not is_accepted(code):
            raise smtplib.SMTPSenderRefused(code, words, sender)
        refused = {}
        for recipient in recipients:
            reply = self.rcpt(recipient)
            if reply[0] in (221, 421):  # the server closes the connection
                raise smtplib.SMTPResponseException(*reply)
            if not is_accepted(reply[0]):
                refused[recipient] = reply
        if len(refused) == len(recipients):
            raise smtplib.SMTPRecipientsRefused(refused)
        self._wait = min(self._timeout, DATA)
        code, words = self.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, words)
        self._wait = min(self._timeout, TEXT)
        self.send(re.sub(rb"(?m)^\.", b"..", message))
        before_end()
        if self.file and self.file.has_received():  # the server gave up before the end, so it cannot deliver the mail
            raise smtplib.SMTPDataError(*self.getreply())
        self.send(b".\r\n")
        self._read_last_reply()
        return refused

    def _read_last_reply(self) -> None:
        self._wait, self._end = self._last_reply, time.monotonic() + self._last_reply
        try:
            code, words = self.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise LastReplyMissing(f"no reply to the text: {error}") from error
        if 400 <= code <= 599:
            raise smtplib.SMTPDataError(code, words)
        if not is_accepted(code):
            raise LastReplyMissing(f"unexpected reply to the text: {code} {words.decode(errors='replace')}")

    def leave(self) -> None:
        """Close the connection with QUIT. Never raises, because the server has already accepted or refused the mail."""
        self._wait, self._end = min(self._timeout, QUIT), time.monotonic() + QUIT
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self.docmd("QUIT")
        self.close()


class TlsSmtpSession(SmtpSession, smtplib.SMTP_SSL):
    """A connection that uses TLS from its first byte (RFC 8314)."""


def is_accepted(code: int) -> bool:
    """Return whether the server accepted a command. With 221, it ends the session."""
    return 200 <= code <= 299 and code != 221


def choose_helo_name(full_name: str, address: str) -> str:
    """Return the host's full name if it has a domain, or else its address as a literal (RFC 5321, 4.1.3)."""
    if "." in full_name and full_name.isascii() and not full_name.startswith("localhost"):
        return full_name
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"


def encode_answer(text: str) -> str:
    """Encode user and password, or an answer to a challenge, for the command AUTH."""
    return b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")

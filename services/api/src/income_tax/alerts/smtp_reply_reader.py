"""A reader of SMTP replies that bounds the time and the size of each reply. smtplib bounds only each read."""

import re
import smtplib
import socket
import ssl
import time

BEGUN_REPLY = 30.0  # maximum seconds between the first and the last byte of a reply
LONGEST_REPLY = 16384  # bytes; replies to EHLO have up to a few hundred
REPLY = re.compile(rb"(?:\d{3}-[^\n]*\n)*(\d{3})(?:[ \t][^\n]*|\r?)\n")


class ReplyReader:
    """Reads whole replies from a socket. It limits the time and the size of each reply."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._received = b""
        self._refusal = b""  # the last reply if it was a refusal, which explains why the server closes the connection

    def read_reply(self, until: float) -> tuple[int, bytes]:
        """Return the code and the words of a reply. `until` is a time of the monotonic clock.

        Raises TimeoutError, SMTPServerDisconnected or SMTPException with the words that have been received.
        """
        has_begun = False
        while (found := REPLY.match(self._received)) is None:
            if len(self._received) > LONGEST_REPLY:
                raise smtplib.SMTPException(f"the reply has more than {LONGEST_REPLY} bytes{self._quote()}")
            if self._received and not has_begun:
                has_begun, until = True, min(until, time.monotonic() + BEGUN_REPLY)
            self._receive(until)
        self._received = self._received[found.end() :]
        self._refusal = found[0] if found[1] == b"221" or found[1] >= b"400" else b""
        return int(found[1]), b"\n".join(line[4:].strip() for line in found[0].splitlines())

    def has_received(self) -> bool:
        """Return whether the server has sent anything or closed the connection. Raises OSError after a reset."""
        if self._received:
            return True
        self._socket.settimeout(0)
        try:
            self._received = self._socket.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        return True

    def _receive(self, until: float) -> None:
        try:
            self._socket.settimeout(max(until - time.monotonic(), 0.001))
            received = self._socket.recv(4096)
        except TimeoutError:
            raise TimeoutError(f"no complete reply in time{self._quote()}") from None
        except OSError:
            if not self._received and not self._refusal:
                raise
            received = b""  # the error is less useful than the server's words
        if not received and self._received.endswith(b"\n"):
            raise smtplib.SMTPServerDisconnected(f"the server closed the connection{self._quote()}")
        if not received and not self._received:
            raise smtplib.SMTPServerDisconnected(f"the server closed the connection without a reply{self._quote()}")
        self._received += received or b"\n"  # the server closed the connection within a line

    def _quote(self) -> str:
        words = " ".join((self._received or self._refusal)[:200].decode(errors="replace").split())
        return f" after [{words}]" if words else ""

    def close(self) -> None:
        """Discard the received bytes. smtplib calls this method."""
        self._received = b""

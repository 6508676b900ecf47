"""The conversation with a mail server that refuses a step, is slow or never ends a reply."""

import hmac
import itertools
import socket
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from income_tax.alerts import smtp_reply_reader
from income_tax.alerts.channel import MailError, MailRefused, MailUnconfirmed
from income_tax.alerts.mail_addresses import MailAddress
from income_tax.alerts.mail_message import MailMessage
from income_tax.alerts.smtp_client import MailSettings, SmtpMailer
from income_tax.alerts.smtp_reply_reader import ReplyReader
from tests.support.smtp import ScriptedSmtp, reply_and_close, reset

MAIL = MailMessage("alert.c0ffee.1", "", ".dots\n..\n", 30, "request")
PASSWORD = "pässwörd €"
SHORT = 0.3  # seconds


def build_settings(server: ScriptedSmtp, **changes: object) -> MailSettings:
    """Return settings for the server, with two recipients."""
    recipients = [MailAddress("a@example.org"), MailAddress("b@example.org")]
    settings = MailSettings(server.host, server.port, MailAddress("tax@example.org"), recipients, "Crash", timeout=60)
    return replace(settings, **changes)  # type: ignore[arg-type]


def send(server: ScriptedSmtp, last_reply: float = 60, **changes: object) -> object:
    return SmtpMailer(build_settings(server, **changes), last_reply).send(MAIL, lambda: None)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("greeting", "554 5.7.1 no service for you"),
        ("EHLO", "504 5.5.2 need a name"),
        ("EHLO", "550 no such greeting"),
        ("MAIL", "530 5.7.0 Authentication required"),
        ("MAIL", "550 5.7.1 Helo command rejected: invalid name"),
        ("MAIL", "550 you must authenticate first"),
        ("MAIL", "221 closing"),
        ("RCPT", "221 closing"),
        ("RCPT", "530 5.7.0 Sender address rejected: Authentication required"),
        ("RCPT", "553 5.7.1 Sender address rejected: not logged in"),
        ("RCPT", "504 5.5.2 need fully-qualified hostname"),
        ("RCPT", "554 5.7.1 Relay access denied"),
        ("DATA", "538 encryption required"),
    ],
)
def test_refused_session_is_an_error_of_the_server(step: str, words: str) -> None:
    """A refusal that concerns the session is an error of the server, with the server's words. No mail is refused."""
    with ScriptedSmtp(**{step: words}) as server, pytest.raises(MailError, match=words) as caught:
        send(server)
    assert caught.value.server


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "text"])
@pytest.mark.parametrize(
    "words", ["421 4.3.2 going away\r\n", "421 4.3.2 going away", "421-4.3.2\r\n421-going away\r\n"]
)
def test_words_before_a_close_are_reported(step: str, words: str) -> None:
    """If the server sends 421 at any step and closes the connection, the error contains the server's words."""
    with (
        ScriptedSmtp(**{step: reply_and_close(words)}) as server,
        pytest.raises((MailError, MailUnconfirmed), match="going away"),
    ):
        send(server)


@pytest.mark.parametrize("words", ["421 4.3.2 going away", "421-4.3.2\r\n421-going away\r\n"])
def test_words_before_a_reset_are_reported(words: str) -> None:
    """If the server resets the connection within its reply, the error contains the server's words."""

    class Resetting(ScriptedSmtp):
        def _talk(self, connection: socket.socket, fault: str) -> None:
            super()._talk(connection, fault)
            threading.Event().wait(SHORT)  # the client reads the words before the reset
            reset(connection)

    with Resetting(MAIL=reply_and_close(words)) as server, pytest.raises(MailError, match="going away"):
        send(server)


@pytest.mark.parametrize(
    ("script", "user"),
    [
        ({"EHLO": "250-here\r\n250 AUTH PLAIN LOGIN", "AUTH": reply_and_close("535 5.7.8 not you\r\n")}, "tax"),
        ({"EHLO": reply_and_close("502 5.5.1 not you\r\n")}, ""),
        ({"RCPT": reply_and_close("550 5.7.1 not you\r\n")}, ""),
    ],
    ids=["AUTH", "EHLO", "RCPT"],
)
def test_refusal_before_a_close_is_reported(script: dict[str, Any], user: str) -> None:
    """If the server refuses a step and closes the connection, the error at the next step quotes the refusal."""
    with ScriptedSmtp(**script) as server, pytest.raises(MailError, match="not you") as caught:
        send(server, user=user, password=PASSWORD)
    assert caught.value.server


def test_refusal_during_the_text_is_reported() -> None:
    """If the server refuses a long text and closes the connection during the text, the error is this refusal."""

    def refuse(stream: socket.SocketIO) -> bool:
        stream.write(b"354 go on\r\n552 too large\r\n")
        return False

    with ScriptedSmtp(DATA=refuse) as server, pytest.raises(MailRefused, match="552 too large"):
        SmtpMailer(build_settings(server)).send(replace(MAIL, body="long\n" * 2_000_000), lambda: None)


def test_words_without_a_command_are_reported() -> None:
    """If the server sends 421 without a command and closes the connection, the error contains the server's words."""

    def say_goodbye(stream: socket.SocketIO) -> bool:
        stream.write(b"250 yes\r\n421 4.3.2 going away\r\n")
        return False

    with ScriptedSmtp(EHLO=say_goodbye) as server, pytest.raises(MailError, match="going away"):
        send(server)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("MAIL", "550 5.7.1 rate limited, try again later"),
        ("RCPT", "552 5.2.2 mailbox full"),
        ("RCPT", "504 5.5.2 Recipient address rejected: need fully-qualified address"),
        ("DATA", "500 disk full"),
        ("text", "554 5.6.0 rejected content"),
    ],
)
def test_refused_mail(step: str, words: str) -> None:
    """A refusal by 5xx that does not concern the session is a refusal of the mail, with the server's words."""
    with ScriptedSmtp(**{step: words}) as server, pytest.raises(MailRefused, match=words):
        send(server)


def test_refused_recipients_are_returned() -> None:
    """If the server refuses one of two recipients, the other gets the mail. The refused one is returned."""
    replies = itertools.cycle([b"250 yes\r\n", b"550 5.1.1 nobody\r\n"])
    with ScriptedSmtp(RCPT=lambda stream: stream.write(next(replies))) as server:
        assert {"b@example.org": (550, "550 5.1.1 nobody")} == send(server)


def drip(stream: socket.SocketIO) -> None:
    for _ in range(1000):
        stream.write(b"2")
        threading.Event().wait(SHORT / 20)


def send_endless_lines(stream: socket.SocketIO) -> None:
    while True:
        stream.write(b"220-welcome\r\n")


def send_endless_line(stream: socket.SocketIO) -> None:
    while True:
        stream.write(b"2" * 1000)


@pytest.mark.parametrize("step", ["greeting", "EHLO", "RCPT"])
@pytest.mark.parametrize("fault", [drip, send_endless_lines, send_endless_line])
def test_reply_without_end_is_given_up(step: str, fault: Callable[[socket.SocketIO], object]) -> None:
    """A reply that drips, or that has too many lines or bytes, ends the conversation with an error of the server."""
    with ScriptedSmtp(**{step: fault}) as server, pytest.raises(MailError, match="reply") as caught:
        send(server, timeout=SHORT)
    assert caught.value.server


def test_begun_reply_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that has begun must end within BEGUN_REPLY seconds, even if the step has more time."""
    monkeypatch.setattr(smtp_reply_reader, "BEGUN_REPLY", 0.1)
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"250-first\r\n")
        with pytest.raises(TimeoutError, match=r"after \[250-first\]"):
            ReplyReader(here).read_reply(time.monotonic() + 60)


def test_whole_conversation_is_bounded() -> None:
    """A server that answers each step just in time is given up after four time-outs."""

    def hesitate(stream: socket.SocketIO) -> None:
        threading.Event().wait(0.8 * SHORT)
        stream.write(b"250 yes\r\n")

    recipients = [MailAddress(f"{number}@example.org") for number in range(1000)]
    with ScriptedSmtp(RCPT=hesitate) as server, pytest.raises(MailError):
        send(server, timeout=SHORT, recipients=recipients)
    assert len(server.commands("RCPT")) < 10


@pytest.mark.parametrize("words", ["", "421 going away\r\n", "552 too large\r\n"])
def test_close_before_the_end_of_the_text_leaves_no_copy(words: str) -> None:
    """If the server closes the connection before the end of the text, it cannot deliver the mail."""
    closing = threading.Event()

    def accept_and_close(stream: socket.SocketIO) -> bool:
        stream.write(f"354 go on\r\n{words}".encode())
        return False

    with (
        ScriptedSmtp(DATA=accept_and_close) as server,
        pytest.raises((MailError, MailRefused), match=words.strip() or "clos|reset"),
    ):
        SmtpMailer(build_settings(server)).send(MAIL, lambda: closing.wait(SHORT))


def test_last_reply_can_take_longer_than_the_timeout() -> None:
    """The reply to the text can take longer than SMTP_TIMEOUT. Then the mail is accepted, and sent only once."""

    def hesitate(stream: socket.SocketIO) -> None:
        threading.Event().wait(3 * SHORT)
        stream.write(b"250 kept\r\n")

    with ScriptedSmtp(text=hesitate) as server:
        assert {} == send(server, timeout=SHORT)


@pytest.mark.parametrize(
    "fault",
    [
        lambda stream: stream.readline(),
        drip,
        reply_and_close(""),
        reply_and_close("2"),
        reply_and_close("354 more\r\n"),
        reply_and_close("221 closing\r\n"),
        reply_and_close("999 odd\r\n"),
    ],
    ids=["silent", "drip", "close", "cut", "strange", "closing", "invalid"],
)
def test_missing_last_reply_leaves_a_mail_unconfirmed(fault: Callable[[socket.SocketIO], object]) -> None:
    """A mail whose text gets neither a 2xx nor a refusal is unconfirmed, because the server might deliver it."""
    with ScriptedSmtp(text=fault) as server, pytest.raises(MailUnconfirmed, match="reply to the text"):
        send(server, last_reply=SHORT)


def test_helo_name_is_the_setting_or_the_own_address() -> None:
    """EHLO has the name of the setting. Without the setting, it has the host's full name or its address."""
    with ScriptedSmtp() as server:
        send(server, helo_name="tax.example.org")
        send(server)
    first, second = server.commands("ehlo")
    assert "ehlo tax.example.org" == first
    assert second == f"ehlo {socket.getfqdn()}" or second == "ehlo [127.0.0.1]"


def test_server_without_ehlo_gets_helo() -> None:
    """A server that does not implement EHLO gets HELO and the mail."""
    with ScriptedSmtp(EHLO="502 not implemented") as server:
        assert {} == send(server, helo_name="tax.example.org")
    assert ["helo tax.example.org"] == server.commands("helo")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_password_outside_ascii_is_sent_as_utf8(mechanism: str) -> None:
    """A password that is not ASCII reaches the server as UTF-8, with each mechanism of SMTP AUTH."""
    answers: list[bytes] = []
    challenge = b64encode(b"<1@example.org>").decode()

    def accept(stream: socket.SocketIO) -> None:
        if mechanism == "CRAM-MD5":
            stream.write(f"334 {challenge}\r\n".encode())
            answers.append(b64decode(stream.readline()))
        elif mechanism == "LOGIN":
            stream.write(b"334 UGFzc3dvcmQ6\r\n")
            answers.append(b64decode(stream.readline()))
        stream.write(b"235 welcome\r\n")

    with ScriptedSmtp(EHLO=f"250-here\r\n250 AUTH {mechanism}", AUTH=accept) as server:
        assert {} == send(server, user="tax", password=PASSWORD)
    answers += [b64decode(line.split()[2]) for line in server.commands("AUTH PLAIN")]
    digest = hmac.new(PASSWORD.encode(), b"<1@example.org>", "md5").hexdigest().encode()
    expected = {"PLAIN": b"\0tax\0" + PASSWORD.encode(), "LOGIN": PASSWORD.encode(), "CRAM-MD5": b"tax " + digest}
    assert [expected[mechanism]] == answers


@pytest.mark.parametrize("code", ["535", "534", "538", "454"])
def test_refused_login_is_an_error_of_the_server(code: str) -> None:
    """A refused login is an error of the server, with the server's words."""
    with (
        ScriptedSmtp(EHLO="250-here\r\n250 AUTH PLAIN", AUTH=f"{code} not you") as server,
        pytest.raises(MailError, match=f"{code} not you") as caught,
    ):
        send(server, user="tax", password=PASSWORD)
    assert caught.value.server

"""SMTP servers that fail on demand, and functions that read the received alerts."""

import contextlib
import queue
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from tests.support.waiting import free_port

SINCE = re.compile(r"^failures in this mail: (\d+)\r?$", re.MULTILINE)


def failures_in(mail: EmailMessage) -> int:
    """Return the number of new failures that a mail reports."""
    (number,) = SINCE.findall(mail.get_content())
    return int(number)


class FaultySmtp:
    """A context manager that runs an SMTP server on a free port of 127.0.0.1 or of another local address.

    With the fault "", the server works. With "hang" the server sends nothing, and with "refuse" it does not listen.
    With "451" or "550" the server rejects each mail with this code. With "reset" the server resets the connection
    during a mail. With "lost" the server accepts a mail, but resets the connection before the reply. `refused` maps
    rejected recipients to the server's replies. `recipients` has the recipients of each accepted mail.
    """

    def __init__(self, fault: str = "", host: str = "127.0.0.1") -> None:
        self.port = free_port()  # not port 0, because the kernel releases an automatic port on shutdown
        self.host = host
        self._listener = socket.create_server((host, self.port), backlog=64)
        self.fault = ""
        self.mails: queue.Queue[EmailMessage] = queue.Queue()
        self.attempts: queue.Queue[str] = queue.Queue()  # the fault of each connection
        self.refused: dict[str, str] = {}
        self.recipients: queue.Queue[list[str]] = queue.Queue()
        self.release = threading.Event()  # if this event is set, hanging connections end
        self._closing = False
        self._listening = threading.Event()
        self._listening.set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.set(fault)

    def set(self, fault: str) -> None:
        """Set the fault of all future connections."""
        was, self.fault = self.fault, fault
        if fault == "refuse":
            self._listening.clear()
            self._listener.shutdown(socket.SHUT_RDWR)  # on Linux the socket keeps its port, so that it can listen again
        elif was == "refuse":
            self._listener.listen(64)
            self._listening.set()

    def next(self, timeout: float = 60) -> EmailMessage:
        """Wait for the next mail and return it, or raise queue.Empty after `timeout` seconds."""
        return self.mails.get(timeout=timeout)

    def mails_counting(self, failures: int, containing: str = "", seconds: float = 180) -> list[EmailMessage]:
        """Wait until mails that contain a text have counted at least `failures` failures. Return each mail once."""
        mails: dict[str, EmailMessage] = {}
        deadline = time.monotonic() + seconds
        while sum(map(failures_in, mails.values())) < failures:
            mail = self.next(deadline - time.monotonic())
            if containing in mail.get_content():
                mails[mail["Message-ID"]] = mail
        return list(mails.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self.release.set()
        self._listening.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing:
            self._listening.wait()
            try:
                connection, _ = self._listener.accept()
            except OSError:
                continue
            threading.Thread(target=self._serve, args=[connection, self.fault], daemon=True).start()

    def _serve(self, connection: socket.socket, fault: str) -> None:
        self.attempts.put(fault)
        with connection, contextlib.suppress(ConnectionError):
            if fault == "hang":
                self.release.wait()
            else:
                self._talk(connection, fault)

    def _talk(self, connection: socket.socket, fault: str) -> None:
        recipients: list[str] = []
        with connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"220 here\r\n")
            while line := stream.readline():
                command = line[:4].upper()
                if command == b"DATA":
                    stream.write(b"354 go on\r\n")
                    if fault == "reset" or not self._take(stream, fault):
                        reset(connection)
                        break
                    self.recipients.put(recipients)
                elif command == b"RCPT" and (words := self.refused.get(address_in(line))):
                    stream.write(words.encode() + b"\r\n")
                else:
                    recipients += [address_in(line)] if command == b"RCPT" else []
                    stream.write(b"221 bye\r\n" if command == b"QUIT" else b"250 yes\r\n")
                if command == b"QUIT":
                    break

    def _take(self, stream: socket.SocketIO, fault: str) -> bool:
        """Receive a mail and reply. Return False if the fault suppresses the reply or the client has disconnected."""
        lines = []
        while (line := stream.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line)
        if fault in ("451", "550"):
            stream.write(fault.encode() + b" no\r\n")
            return True
        text = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
        self.mails.put(message_from_bytes(text, policy=policy.default))
        if fault == "lost":
            return False
        stream.write(b"250 kept\r\n")
        return True


def address_in(line: bytes) -> str:
    """Return the address in a RCPT command."""
    return line.decode().partition("<")[2].partition(">")[0]


def reset(connection: socket.socket) -> None:
    """Close a connection with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class ScriptedSmtp(FaultySmtp):
    """An SMTP server with a script: `script` maps steps to replies. All other steps have their usual reply.

    The steps are the first four letters of the commands, `greeting` and `text`. A reply is a line, or a function that
    receives the stream and writes any bytes. If the function returns False, the server closes the connection.
    """

    def __init__(self, **script: str | Callable[[socket.SocketIO], object]) -> None:
        super().__init__()
        self.script = script
        self.lines: queue.Queue[str] = queue.Queue()  # all commands of all connections

    def commands(self, name: str) -> list[str]:
        """Return the received commands with this name."""
        return [line for line in list(self.lines.queue) if line.startswith(name)]

    def _talk(self, connection: socket.socket, _fault: str) -> None:
        with connection.makefile("rwb", buffering=0) as stream:
            step = "greeting"
            while self._reply(stream, step) and step != "QUIT" and (line := stream.readline()):
                self.lines.put(line.decode().strip())
                step = line[:4].decode().upper().strip()
                if step == "DATA" and "DATA" not in self.script:
                    stream.write(b"354 go on\r\n")
                    while (line := stream.readline()) not in (b".\r\n", b""):
                        pass
                    step = "text"

    def _reply(self, stream: socket.SocketIO, step: str) -> bool:
        reply = self.script.get(step, USUAL.get(step, "250 yes"))
        if callable(reply):
            return reply(stream) is not False
        stream.write(reply.encode() + b"\r\n")
        return True


USUAL = {"greeting": "220 here", "QUIT": "221 bye"}


def reply_and_close(words: str) -> Callable[[socket.SocketIO], object]:
    """Build a step that replies and closes the connection."""

    def act(stream: socket.SocketIO) -> bool:
        stream.write(words.encode())
        return False

    return act

"""An SMTP server that stores received mails. The demo and the tests use it as the administrator's mailbox."""

import queue
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope


class Mailbox:
    """A queue of received mails."""

    def __init__(self) -> None:
        self._mails: queue.Queue[EmailMessage] = queue.Queue()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd requires this name
        """Store a received mail."""
        self._mails.put(message_from_bytes(envelope.original_content or b"", policy=policy.default))
        return "250 kept"

    def next(self, timeout: float = 60) -> EmailMessage:
        """Wait for the next mail and return it. Raises queue.Empty after `timeout` seconds."""
        return self._mails.get(timeout=timeout)

    def empty(self) -> bool:
        """Return whether the queue is empty."""
        return self._mails.empty()


class SmtpCatcher(Controller):
    """An SMTP server on a free port of 127.0.0.1, as a context manager."""

    def __init__(self, **options: Any) -> None:
        self.mailbox = Mailbox()
        self._socket = socket.create_server(("127.0.0.1", 0))
        super().__init__(self.mailbox, hostname="127.0.0.1", port=self._socket.getsockname()[1], **options)

    def _create_server(self) -> Any:
        # Use the socket that __init__ has bound, so that no other program can take the port.
        return self.loop.create_server(self._factory_invoker, sock=self._socket, ssl=self.ssl_context)

    def __enter__(self) -> "SmtpCatcher":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

"""The interfaces of the channels over which alerts are sent, and the results of an attempt to send a message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .deployment import Deployment
from .incident_policy import Incident, MailType
from .mail_message import MailMessage
from .smtp_replies import Reply
from .spool import Spool

# A mapping from each refused recipient to the server's reply.
Refusals = Mapping[str, Reply]


class MailError(Exception):
    """A message was not sent, but a later attempt might succeed. The text names the server and the reason.

    If `server` is true, the error concerns the server and not the message, so the other messages are also postponed.
    """

    def __init__(self, reason: str, server: bool) -> None:
        super().__init__(reason)
        self.server = server


class MailRefused(Exception):
    """The server permanently refused a message. The text quotes the server's reply."""


class MailUnconfirmed(Exception):
    """The server received a message, but did not reply. It might deliver the message. The text describes the error."""


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """The channels of the alerts: `via` is "mail" or "alertmanager". A webhook is used in addition."""

    via: str = "mail"
    webhook_url: str = field(default="", repr=False)  # can contain a secret; empty: no webhook
    alertmanager_url: str = ""


class Channel(Protocol):
    """Interface of objects that build and send the messages about incidents, one at a time."""

    name: str
    file_suffix: str  # of the names of dead letters

    def build_message(self, incident: Incident, mail_type: MailType, deployment: Deployment, now: float) -> MailMessage:
        """Build the message of the given type about the incident."""

    def send(self, mail: MailMessage, before_end: Callable[[], object]) -> Refusals:
        """Send the message, and return the recipients that were refused.

        Call `before_end` before the step after which the server might deliver the message. Raises MailError,
        MailRefused or MailUnconfirmed.
        """

    def serialize(self, mail: MailMessage) -> bytes:
        """Return the bytes that `send` sends."""


class Delivery(Protocol):
    """Interface of objects that deliver the incidents of a spool."""

    def deliver_due(self, spool: Spool, is_last: bool = False) -> None:
        """Deliver what is due. If `is_last` is true, the process is about to end.

        Raises sqlite3.Error or OSError if the spool cannot be used.
        """

    def is_idle(self, spool: Spool) -> bool:
        """Return True if nothing is due now."""

    def count_mails(self, spool: Spool) -> dict[str, int]:
        """Count the pending, sent and dead messages."""

"""The webhook channel, which posts each message as JSON. docs/reference/alerts.md documents the fields."""

import json
from collections.abc import Callable
from dataclasses import replace

from .alert import Alert
from .alert_kinds import Severity, describe_kind
from .channel import Refusals
from .deployment import Deployment
from .http_post import TIMEOUT, post_json, serialize_json
from .incident_policy import Incident, MailType
from .mail_message import MailMessage, build_message, to_local_time

VERSION = 1  # increases if a field is removed, or gets another meaning


class WebhookChannel:
    """Posts each message to a URL. `timeout` bounds each step of a request.

    A server can receive a message twice, with the same `id`.
    """

    name = "webhook"
    file_suffix = ".json"

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._url, self._timeout = url, timeout

    def build_message(self, incident: Incident, mail_type: MailType, deployment: Deployment, now: float) -> MailMessage:
        """Build the message of the given type. Its body is a JSON object that contains the text of the e-mail."""
        mail = build_message(incident, mail_type, deployment, now)
        content = build_content(incident, mail_type, deployment, mail)
        return replace(mail, body=serialize_json(content))

    def send(self, mail: MailMessage, before_end: Callable[[], object]) -> Refusals:
        """Post the message. Raises MailError, MailRefused or MailUnconfirmed."""
        post_json(self.name, self._url, self.serialize(mail), before_end, self._timeout)
        return {}

    def serialize(self, mail: MailMessage) -> bytes:
        """Return the body."""
        return mail.body.encode()


def build_content(
    incident: Incident, mail_type: MailType, deployment: Deployment, mail: MailMessage
) -> dict[str, object]:
    """Build the fields of the JSON object."""
    kind = describe_kind(incident.kind)
    return {
        "version": VERSION,
        "id": mail.name,
        "incident": incident.token,
        "event": mail_type,
        "kind": incident.kind,
        "severity": Severity.INFO if mail_type is MailType.RECOVERED else kind.severity,
        "host": deployment.host,
        "replica": Alert.from_json(incident.last).host,
        "subject": mail.subject + mail.suffix,
        "text": mail.body,
        "failures": incident.total - incident.mailed,
        "total": incident.total,
        "recoveries": incident.recoveries,
        "first_seen": to_local_time(incident.first_seen).isoformat(),
        "last_seen": to_local_time(incident.last_seen).isoformat(),
        "request_ids": json.loads(incident.request_ids),
        "links": {"status": deployment.status_page or None, "runbook": kind.runbook},
    }

"""The words of an incident's mails."""

import json
from dataclasses import dataclass
from datetime import datetime

from tax_common.text import escape_controls

from .alert import Alert
from .incident_policy import Incident, Step


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as the spool keeps it: sender and recipients are those of the settings when it is sent."""

    name: str  # the left part of its Message-ID: the same at each attempt
    suffix: str  # what is added to the subject of the settings
    body: str
    time: float  # seconds of the Unix epoch
    kind: str
    request_id: str = ""
    recipients: str = ""  # addresses that are still to get it, one a line; empty: all
    id: int = 0
    attempts: int = 0


def write_letter(incident: Incident, step: Step, log_file: str, now: float) -> Letter:
    """The mail of an incident that is due."""
    alert = Alert.restored(incident.first if step is Step.FIRST else incident.last)
    parts = [alert.text(log_file)] if step is Step.FIRST else [opening(incident, step), alert.text(log_file)]
    parts.append(counts(incident))
    name = f"alert.{incident.token}.{incident.mails + 1}"
    # A lone surrogate, from a name of a file or a header, is no text that a mail could hold.
    body = "\n".join(parts).encode("utf-8", "replace").decode()
    return Letter(name, suffix(incident, step), body, now, incident.kind, alert.request_id or "")


def suffix(incident: Incident, step: Step) -> str:
    """What the subject says more than the first mail's."""
    if step is Step.FIRST:
        return ""
    if step is Step.RECOVERED:
        return " [recovered]"
    return f" [+{incident.total - incident.mailed} since {moment(incident.last_mail):%H:%M}]"


def opening(incident: Incident, step: Step) -> str:
    """The first sentence of a later mail."""
    if step is Step.DIGEST:
        return "This failure goes on. The last one:\n"
    if incident.kind == "startup":
        return "Recovered: the service has started. What had failed last:\n"
    if incident.kind == "request":
        return "Recovered: this failure has not happened any more for a while. The last one:\n"
    return "Recovered: it works again. What had failed last:\n"


def counts(incident: Incident) -> str:
    """How often it happened, not counted by an earlier mail and in all: over the mails the first figures add up."""
    ids = ", ".join(json.loads(incident.request_ids))
    lines = [
        f"failures in this mail: {incident.total - incident.mailed}",
        f"failures in all: {incident.total}",
        f"first seen: {moment(incident.first_seen).isoformat(timespec='seconds')}",
        f"last seen: {moment(incident.last_seen).isoformat(timespec='seconds')}",
        *([f"some request ids: {escape_controls(ids)}"] if ids else []),
    ]
    return "\n".join(lines) + "\n"


def moment(seconds: float) -> datetime:
    """The local time of seconds since the epoch."""
    return datetime.fromtimestamp(seconds).astimezone()

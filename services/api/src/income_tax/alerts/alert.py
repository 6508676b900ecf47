"""Alerts: failures that the service reports to the administrator by e-mail."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

# Each drill opens its own incident. A request's incident ends after a quiet period without the same failure.
# Incidents of all other kinds end when the failed operation succeeds.
Kind = Literal[
    "startup",
    "drill",
    "request",
    "database",
    "log",
    "reload",
    "schedules",
    "users",
    "state",
    "replica",
    "missing",
    "proxy",
]


class Summary(StrEnum):
    """The first line of each alert's text. docs/reference/alerts.md explains each summary."""

    LOG_NOT_OPENED = "The tax service could not start: it cannot open its log."
    NO_TAX_DATA = "The tax service could not start: it cannot read the tax data."
    STARTED_FROM_SNAPSHOT = "The tax service started from its schedule snapshot, without its database."
    DATABASE_LOST = "The tax service runs without its database."
    LOG_NOT_WRITTEN = "The tax service runs, but cannot write its log:"
    RELOAD_FAILED = "The tax service did not reload its schedules."
    SNAPSHOT_INVALID = "The tax service keeps its previous schedules: the snapshot is invalid."
    USERS_INVALID = "The tax service runs, but cannot use its users file as a whole:"
    STATE_NOT_WRITTEN = "The tax service runs, but cannot write its state:"
    REPLICA_SILENT = "The tax service has a replica that stands still:"
    REPLICA_MISSING = "The tax service runs with fewer replicas than expected:"
    PROXY_INVALID = "The tax service runs, but nginx could not start again:"
    REQUEST_FAILED = "The tax service failed to answer a request:"
    SERVER_FAILED = "The tax service failed to answer a request, outside the application:"

    @classmethod
    def _missing_(cls, value: object) -> "Summary":
        """Accept a summary of another version, which can have spooled the alert during an update."""
        other = str.__new__(cls, value)
        other._name_, other._value_ = "OTHER", str(value)
        return other


@dataclass(frozen=True, slots=True)
class Alert:
    """A failure that is reported by e-mail: its summary, the JSON response, and the data that locates its log lines.

    Failures of the same kind, place and route form one incident. The incident's mails count the failures.
    """

    kind: Kind
    summary: Summary
    answer: Mapping[str, Any]
    request_id: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    place: str = ""  # the failed component and function
    route: str = ""  # URL rule that matches the requested path
    host: str = field(default_factory=socket.gethostname)  # the replica; `Deployment.host` is the machine
    pid: int = field(default_factory=os.getpid)
    time: datetime = field(default_factory=lambda: datetime.now().astimezone())

    @classmethod
    def for_service(cls, kind: Kind, summary: Summary, sentence: str, place: str = "") -> "Alert":
        """Build the alert for a failure outside requests. `sentence` becomes the alert's error message."""
        return cls(kind, summary, {"response": {"errors": [sentence]}}, place=place)

    def to_json(self) -> str:
        """Serialize the alert as JSON in which all non-ASCII characters are escaped."""
        return json.dumps(asdict(self) | {"time": self.time.isoformat()}, default=str)

    @classmethod
    def from_json(cls, text: str) -> "Alert":
        """Restore an alert that `to_json` serialized. Discard unknown fields, which a newer version added."""
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in json.loads(text).items() if name in known}
        typed = {"summary": Summary(values["summary"]), "time": datetime.fromisoformat(values["time"])}
        return cls(**values | typed)

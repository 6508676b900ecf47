"""An alert: one failure that the administrator receives an e-mail about."""

import json
import os
import shlex
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from income_tax import __version__
from tax_common.text import format_fields

VALUE_LIMIT = 2000  # characters of a detail that a mail keeps

# Each drill is an incident of its own. The incident of a request ends when the failure has not recurred for a while,
# every other one when the failed operation has succeeded.
Kind = Literal["startup", "drill", "request", "database", "log", "reload", "schedules"]


@dataclass(frozen=True, slots=True)
class Alert:
    """A failure worth an e-mail: a summary, the JSON of the response, and the way to its log lines.

    Failures of the same kind, place and route are one incident: its mails count them.
    """

    kind: Kind
    summary: str  # docs/reference/alerts.md explains each
    answer: Mapping[str, Any]
    request_id: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    place: str = ""  # the failed component and function
    route: str = ""  # the rule of the requested path
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    time: datetime = field(default_factory=lambda: datetime.now().astimezone())

    @classmethod
    def for_service(cls, kind: Kind, summary: str, sentence: str, place: str = "") -> "Alert":
        """Build the alert for a failure outside all requests, its sentence in the form of a response."""
        return cls(kind, summary, {"response": {"errors": [sentence]}}, place=place)

    def to_json(self) -> str:
        """Serialize the alert as ASCII JSON, whatever characters it holds."""
        return json.dumps(asdict(self) | {"time": self.time.isoformat()}, default=str)

    @classmethod
    def from_json(cls, text: str) -> "Alert":
        """Restore the alert that `to_json` serialized; fields of a newer version are dropped."""
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in json.loads(text).items() if name in known}
        return cls(**values | {"time": datetime.fromisoformat(values["time"])})

    def format_text(self, log_file: str) -> str:
        """Format the body of the e-mail; each fact is one line, whatever a request put into it."""
        facts = {"time": self.time.isoformat(timespec="microseconds"), "host": self.host, "process": str(self.pid)}
        facts |= {"version": __version__, "log file": log_file, **self.details}
        if self.request_id:
            facts["request id"] = self.request_id
            # An id may begin with a dash, and its dots are no patterns; the * matches the archives.
            facts["find the log lines"] = shlex.join(["grep", "-F", "--", self.request_id, log_file]) + "*"
        answer = json.dumps(self.answer, ensure_ascii=False, indent=2)
        return f"{self.summary}\n\n{answer}\n\n" + format_fields(facts, VALUE_LIMIT)

"""What the administrator is told."""

import json
import os
import shlex
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from income_tax import __version__
from tax_common.text import escape_controls, truncate

VALUE_LIMIT = 2000  # characters of a detail that a mail keeps

# What can fail. Each drill is an incident of its own; a request's failure is over when it has not happened for a while,
# every other kind when what had failed has worked.
Kind = Literal["startup", "drill", "request", "database", "log", "reload", "schedules"]


@dataclass(frozen=True, slots=True)
class Alert:
    """A failure worth an e-mail: what happened, the JSON that was answered, and how to find its log lines.

    Failures of the same kind, place and route are one incident: its mails count them.
    """

    kind: Kind
    summary: str  # docs/reference/alerts.md explains each
    answer: Mapping[str, Any]
    request_id: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    place: str = ""  # what failed, and in which function
    route: str = ""  # the rule of the address that was asked for
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    time: datetime = field(default_factory=lambda: datetime.now().astimezone())

    @classmethod
    def of_service(cls, kind: Kind, summary: str, sentence: str, place: str = "") -> "Alert":
        """The alert of what failed outside all requests, its sentence in the form of an answer."""
        return cls(kind, summary, {"response": {"errors": [sentence]}}, place=place)

    def stored(self) -> str:
        """The alert as ASCII JSON, whatever characters it holds."""
        return json.dumps(asdict(self) | {"time": self.time.isoformat()}, default=str)

    @classmethod
    def restored(cls, text: str) -> "Alert":
        """The alert that `stored` made the text of; what another version of the service added is left out."""
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in json.loads(text).items() if name in known}
        return cls(**values | {"time": datetime.fromisoformat(values["time"])})

    def text(self, log_file: str) -> str:
        """The body of the e-mail; each fact is one line, whatever a request put into it."""
        facts = {"time": self.time.isoformat(timespec="microseconds"), "host": self.host, "process": str(self.pid)}
        facts |= {"version": __version__, "log file": log_file, **self.details}
        if self.request_id:
            facts["request id"] = self.request_id
            # An id may begin with a dash, and its dots are dots; the * is for the archives.
            facts["find the log lines"] = shlex.join(["grep", "-F", "--", self.request_id, log_file]) + "*"
        lines = [self.summary, "", json.dumps(self.answer, ensure_ascii=False, indent=2), ""]
        return "\n".join([*lines, *(f"{name}: {one_line(value)}" for name, value in facts.items())]) + "\n"


def one_line(value: str) -> str:
    """The value without line ends or control characters, at most VALUE_LIMIT characters of it."""
    return escape_controls(truncate(value, VALUE_LIMIT, " [cut]"))

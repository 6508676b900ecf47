"""The facts about an installation that its alerts contain."""

import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Deployment:
    """The machine of the service, and the places where an operator looks after an alert."""

    log_file: str
    host_name: str = ""  # name of the machine; empty: the name in `host_file`
    host_file: Path | None = None  # file in which `make up` records the name of the machine
    status_page: str = ""  # URL of the status page; empty: unknown

    @property
    def host(self) -> str:
        """The name of the machine. Without a setting or a file, it is this process's own host name.

        The name is read at each use, because `make up` writes the file after the first start of the service.
        """
        return self.host_name or read_host_file(self.host_file) or socket.gethostname()


def read_host_file(file: Path | None) -> str:
    """Return the first line of the file, or an empty string if the file is missing or unreadable."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n") if file else [""]
    except OSError:
        return ""
    return lines[0].strip()

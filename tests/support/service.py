"""A driver of the real service. The service runs gunicorn with an SQLite database. A mailbox receives the alerts."""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from werkzeug.security import generate_password_hash

from tests.support.data import ROOT
from tools.smtp_catcher import Mailbox, SmtpCatcher

COMMAND = [sys.executable, "-m", "income_tax"]
# The service inherits these environment variables, and the variables of Python and coverage with these prefixes.
SHELL, TOOLS = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"), ("PYTHON", "COV")
TEXT_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}, [^:]+: \[[^\]]+\] .+$")


@dataclass(frozen=True)
class Answer:
    """An HTTP response with its body parsed as JSON."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def errors(self) -> list[str]:
        errors: list[str] = self.body["response"]["errors"]
        return errors

    @property
    def request_id(self) -> str:
        return self.headers["x-request-id"]


@dataclass
class Service:
    """A running service."""

    port: int
    folder: Path
    mailbox: Mailbox
    process: subprocess.Popen[str]
    credentials: str = "client:secret"

    def get(self, target: str, credentials: str | None = "", method: str = "GET", **headers: str) -> Answer:
        """Send a request with these credentials. None means no credentials, and "" means the client's credentials."""
        login = self.credentials if credentials == "" else credentials
        return ask(self.port, target, login, method, **headers)

    @property
    def authorization(self) -> str:
        """Return the Authorization header value of the client's credentials."""
        return "Basic " + base64.b64encode(self.credentials.encode()).decode()

    def post(self, body: str, content_type: str, target: str = "/", credentials: str | None = "") -> Answer:
        """Post a body. `credentials` has the same meaning as for `get`."""
        login = self.credentials if credentials == "" else credentials
        return ask(self.port, target, login, "POST", body.encode(), Content_Type=content_type)

    def post_raw(self, body: str, content_type: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Post a body, and return the status, the headers and the raw body of the response."""
        return request(self.port, "/", self.credentials, "POST", body.encode(), Content_Type=content_type, **headers)

    def request(self, method: str, target: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a request, and return the status, the headers and the raw body of the response."""
        return request(self.port, target, self.credentials, method, **headers)

    def raw(self, request: bytes, end: bool = False) -> Answer:
        """Send bytes and return the response. If `end` is set, close the sending side after the bytes."""
        return read_answer(self.port, request, end)

    def kill(self) -> None:
        """Kill all processes of the service with SIGKILL, to simulate a crash of the machine."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=60)

    def log_lines(self) -> list[str]:
        """Return the lines of the log file."""
        return (self.folder / "api.log").read_text(encoding="utf-8").split("\n")[:-1]

    def log(self) -> list[dict[str, Any]]:
        """Return the records of the log file."""
        return [json.loads(line) for line in self.log_lines()]

    def events_of(self, request_id: str) -> list[str]:
        """Return the names of the events that were logged for a request."""
        return [record["event"] for record in self.log() if record.get("request_id") == request_id]


def flood(port: int, credentials: str, targets: Sequence[str], threads: int) -> list[int]:
    """Request all targets over `threads` keep-alive connections and return the statuses."""
    header = {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}

    def ask(part: Sequence[str]) -> list[int]:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        statuses = []
        for target in part:
            connection.request("GET", target, headers=header)
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        connection.close()
        return statuses

    with ThreadPoolExecutor(threads) as pool:
        return [status for part in pool.map(ask, [targets[n::threads] for n in range(threads)]) for status in part]


def ask(
    port: int,
    target: str,
    credentials: str | None,
    method: str = "GET",
    sent_body: bytes | None = None,
    /,
    **headers: str,
) -> Answer:
    """Send a request with an unchanged target to a port of 127.0.0.1. The keyword X_Name sets the header X-Name."""
    status, names, body = request(port, target, credentials, method, sent_body, **headers)
    return Answer(status, names, json.loads(body) if body else None)


def request(
    port: int,
    target: str,
    credentials: str | None,
    method: str = "GET",
    sent_body: bytes | None = None,
    /,
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """Send a request to a port of 127.0.0.1. Return the status, the headers in lower case, and the body."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if credentials is not None:
        sent["Authorization"] = "Basic " + base64.b64encode(credentials.encode()).decode()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the server can close the connection early
            connection.request(method, target, sent_body, headers=sent)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


def read_answer(port: int, request: bytes, end: bool = False) -> Answer:
    """Send bytes to a port of 127.0.0.1 and read the response until the server closes the connection.

    The caller must send `Connection: close`, or set `end` to close the sending side.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        if end:
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as file:
            head, _, body = file.read().partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(status.split()[1]), headers, json.loads(body) if body else None)


def environment(folder: Path, smtp_port: int, **settings: str) -> dict[str, str]:
    """Build the environment variables of a service whose files are in a folder."""
    own = {"DB_FILE": "tax.sqlite", "USERS_FILE": "users", "LOG_FILE": "api.log", "STATE_DIR": "state"}
    paths = {name: str(folder / value) for name, value in own.items()}
    clean = {name: value for name, value in os.environ.items() if name in SHELL or name.startswith(TOOLS)}
    # The SMTP timeout is long, so that a slow machine causes no retries and no duplicate mails.
    return clean | paths | {"SMTP_PORT": str(smtp_port), "SMTP_TIMEOUT": "300", "DB_WAIT": "0", **settings}


def seed(folder: Path) -> None:
    """Create a database with the tax data in a folder."""
    command = [*COMMAND, "seed", "sqlite", str(ROOT / "db/init")]
    subprocess.run(command, env=environment(folder, 1), check=True, capture_output=True)


@cache
def prepared() -> "tempfile.TemporaryDirectory[str]":
    """Create a folder with tax data and a user once per process. All tests of the process copy this folder."""
    made = tempfile.TemporaryDirectory()
    seed(Path(made.name))
    # Write the users file, because `users add` rejects a password that is as short as this one.
    (Path(made.name) / "users").write_text(f"client:{generate_password_hash('secret', 'scrypt')}\n")
    return made


def prepare(folder: Path) -> None:
    """Write the tax data to a folder, and a users file with the user `client` and the password `secret`."""
    shutil.copytree(prepared().name, folder, dirs_exist_ok=True)


def begun_with(folder: Path, code: str) -> str:
    """Write a module that Python runs at startup. Return its folder, which must be the value of PYTHONPATH."""
    (folder / "sitecustomize.py").write_text(code)
    return str(folder)


@contextmanager
def running_service(folder: Path, **settings: str) -> Iterator[Service]:
    """Prepare a folder and run a service with its own mailbox on a free port. Yield the service when it is ready."""
    prepare(folder)
    with SmtpCatcher() as smtp, service_with(folder, smtp.port, smtp.mailbox, **settings) as service:
        yield service


@contextmanager
def service_with(
    folder: Path,
    smtp_port: int,
    mailbox: Mailbox | None = None,
    command: Sequence[str | Path] = COMMAND,
    /,
    **settings: str,
) -> Iterator[Service]:
    """Run the service in a prepared folder. At the end, stop the service unless the test has killed it."""
    # This process closes its copy of the socket, so that connections are refused after the service has died.
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [*command, "sqlite"],
            env=environment(folder, smtp_port, BIND=f"fd://{listener.fileno()}", **settings),
            start_new_session=True,
            pass_fds=[listener.fileno()],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    service = Service(port, folder, mailbox or Mailbox(), process)
    try:
        assert 200 == service.get("/health/ready").status
        yield service
    finally:
        killed = process.returncode is not None
        if not killed:
            process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
        print(said)
    assert killed or 0 == process.returncode

"""A driver of the real stack. Each stack runs from its own copy of the project, with its own project name and ports."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast
from urllib.request import ProxyHandler, build_opener

from tax_common.files import hold_lock
from tests.support.data import ROOT
from tests.support.service import Answer, ask, read_answer
from tests.support.sessions import in_session
from tests.support.waiting import free_port, wait_until

Finished = subprocess.CompletedProcess[str]


def copy_project(folder: Path) -> None:
    """Copy the project to a folder. The copy has uncommitted and untracked files, but no ignored files."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@dataclass
class Stack:
    """A stack with one database."""

    folder: Path
    database: str
    http_port: int
    mail_port: int
    https_port: int
    project: str

    @classmethod
    def create(cls, folder: Path, database: str, **settings: str) -> "Stack":
        """Configure a stack without starting it."""
        copy_project(folder)
        http, mail, https = (free_port() for _ in range(3))
        stack = cls(folder, database, http, mail, https, f"tax-test-{secrets.token_hex(4)}")
        own = {"COMPOSE_PROJECT_NAME": stack.project, "HTTP_PORT": stack.http_port, "MAIL_PORT": stack.mail_port}
        own |= {"HTTPS_PORT": stack.https_port}
        own |= {f"{name}_PORT": free_port() for name in ("PROMETHEUS", "ALERTMANAGER", "GRAFANA")}
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in (own | settings).items()))
        return stack

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path, database: str, **settings: str) -> Iterator["Stack"]:
        """Start a stack and yield it when it is healthy. Finally remove it and assert that no volume is left."""
        stack = cls.create(folder, database, **settings)
        try:
            if settings.get("TLS") == "on":
                stack.make("certs")
            stack.make("up", f"DB={database}")
            yield stack
        finally:
            stack.make("clean")
            left = stack.run("docker", "volume", "ls", "--quiet", "--filter", f"name={stack.project}").stdout
            assert "" == left

    def run(self, *command: str, **environment: str) -> Finished:
        """Run a command in the project's copy, and return its output and exit code."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def making(self, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """Start make in its own session and yield its process. The caller must end the process."""
        return in_session(["make", *arguments], self.folder, self._environment({}))

    @staticmethod
    def _environment(own: dict[str, str]) -> dict[str, str]:
        """Return the environment variables of a command, without those of the make process that runs the tests."""
        others = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "DB", "REPLICAS")
        return {name: value for name, value in os.environ.items() if name not in others} | own

    def make(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run make, assert its exit code, and return its stdout."""
        finished = self.run("make", *arguments, **environment)
        said = f"make {' '.join(arguments)}: {finished.returncode}\n{finished.stdout}\n{finished.stderr}"
        assert code == finished.returncode, said
        return finished.stdout

    def compose(self, *arguments: str) -> str:
        """Run docker compose, assert success, and return its stdout."""
        finished = self.run("docker", "compose", "--profile", "client", *arguments)
        assert 0 == finished.returncode, finished.stderr
        return finished.stdout

    def set(self, **settings: str) -> None:
        """Change settings in the stack's .env."""
        path = self.folder / ".env"
        kept = [line for line in path.read_text().splitlines() if line.partition("=")[0] not in settings]
        path.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in settings.items())]) + "\n")

    @property
    def credentials(self) -> str:
        """Return the credentials of the client as `login:password`."""
        return self.make("--silent", "credentials").strip()

    def get(self, target: str, credentials: str | None = None, method: str = "GET", **headers: str) -> Answer:
        """Send a request to nginx with the target unchanged."""
        return ask(self.http_port, target, credentials, method, **headers)

    def raw(self, request: bytes) -> Answer:
        """Send bytes to nginx unchanged and return the response."""
        return read_answer(self.http_port, request)

    def get_nothing(self, request: bytes) -> None:
        """Send bytes to nginx, wait until nginx closes the connection, and discard the response."""
        address = ("127.0.0.1", self.http_port)
        with contextlib.suppress(ConnectionError), socket.create_connection(address, timeout=30) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    def lines(self, log: str, since: int = 0) -> list[str]:
        """Wait until the last line of a log in /logs is complete, and return the lines after line `since`."""

        def whole() -> list[str] | None:
            # Accept a missing file, because after a rotation the file does not exist until the next line is written.
            text = self.output("nginx", "sh", "-c", f"[ ! -e /logs/{log} ] || tail -n +{since + 1} /logs/{log}")
            *lines, rest = text.split("\n")
            return None if rest else [*lines, rest]  # None means that the last line is incomplete

        return wait_until(whole)[:-1]

    def records(self, log: str, since: int = 0, holding: str = "") -> list[dict[str, Any]]:
        """Parse the JSON log lines after line `since`. Return the records of the lines that contain a text."""
        return [json.loads(line) for line in self.lines(log, since) if holding in line]

    def count(self, log: str, pattern: str = "") -> int:
        """Count the lines of a log that match a pattern. The container counts them, because tests poll the count."""
        return int(self.output("nginx", "sh", "-c", f"cat /logs/{log} 2>/dev/null | grep -cE '{pattern}' || true"))

    def mails(self, containing: str = "") -> list[EmailMessage]:
        """Return the mails in MailHog that contain a text, newest first."""
        url = f"http://127.0.0.1:{self.mail_port}/api/v2/messages?limit=250"
        with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
            items = sorted(json.load(answer)["items"], key=lambda item: item["Created"], reverse=True)
        texts = [item["Raw"]["Data"] for item in items]
        mails = [message_from_string(text, policy=policy.default) for text in texts]
        return [mail for mail in mails if containing in (mail.get_body() or mail).get_content()]

    def healthy(self, service: str) -> int:
        """Count the healthy containers of a service."""
        return len(self.ids(f"label=com.docker.compose.service={service}", "health=healthy"))

    def restart_api(self) -> None:
        """Restart all replicas simultaneously, and wait until nginx reaches a replica again."""
        self.compose("restart", "--no-deps", "api")
        wait_until(lambda: self.healthy("api") == 2)
        wait_until(lambda: self.get("/health/live").status == 200)

    def ids(self, *filters: str) -> list[str]:
        """List the ids of the stack's running and stopped containers that match Docker's filters."""
        ours = f"label=com.docker.compose.project={self.project}"
        options = [f"--filter={one}" for one in (ours, "label=com.docker.compose.oneoff=False", *filters)]
        # Run `docker ps`, because `docker compose ps` takes five times as long.
        listed = self.run("docker", "ps", "--all", "--quiet", "--no-trunc", *options)
        assert 0 == listed.returncode, listed.stderr
        return listed.stdout.split()

    def containers(self, service: str) -> list[dict[str, Any]]:
        """Return the output of `docker inspect` for the containers of a service."""
        ids = self.ids(f"label=com.docker.compose.service={service}")
        return cast(list[dict[str, Any]], json.loads(self.run("docker", "inspect", *ids).stdout)) if ids else []

    def execute(self, service: str, *command: str) -> Finished:
        """Run a command in a running container of a service, and return its output and exit code."""
        container = self.ids(f"label=com.docker.compose.service={service}", "status=running")[0]
        return self.run("docker", "exec", container, *command)

    def output(self, service: str, *command: str) -> str:
        """Run a command in a running container of a service, assert success, and return its stdout."""
        finished = self.execute(service, *command)
        assert 0 == finished.returncode, finished.stderr
        return finished.stdout


@contextlib.contextmanager
def take_turn() -> Iterator[None]:
    """Wait until no other process runs a further stack beside its own. Docker has networks for about five stacks."""
    with hold_lock(Path(tempfile.gettempdir()) / "tax-test-further-stack.lock"):
        yield

"""A driver of the real stack: a copy of the project in a folder of its own, its own project name and free ports."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast
from urllib.request import ProxyHandler, build_opener

from tests.support.data import ROOT
from tests.support.service import Answer, ask, read_answer
from tests.support.sessions import in_session
from tests.support.waiting import free_port, wait_until

Finished = subprocess.CompletedProcess[str]


def copy_project(folder: Path) -> None:
    """The project as git would have it, the uncommitted work included, nothing ignored."""
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
    """The stack of one database."""

    folder: Path
    database: str
    http_port: int
    mail_port: int
    https_port: int
    project: str

    @classmethod
    def create(cls, folder: Path, database: str, **settings: str) -> "Stack":
        """A stack that is configured and not yet up."""
        copy_project(folder)
        http, mail, https = (free_port() for _ in range(3))
        stack = cls(folder, database, http, mail, https, f"tax-test-{secrets.token_hex(4)}")
        own = {"COMPOSE_PROJECT_NAME": stack.project, "HTTP_PORT": stack.http_port, "MAIL_PORT": stack.mail_port}
        own |= {"HTTPS_PORT": stack.https_port}
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in (own | settings).items()))
        return stack

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path, database: str, **settings: str) -> Iterator["Stack"]:
        """A stack that is up and healthy; afterwards nothing is left of it."""
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
        """Run a command in the project's copy; what it says and its exit code."""
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
        """A make under way, in a session of its own; who asks for it sees to its end."""
        return in_session(["make", *arguments], self.folder, self._environment({}))

    @staticmethod
    def _environment(own: dict[str, str]) -> dict[str, str]:
        """The environment of a command; variables of the make that runs these tests are not the stack's."""
        others = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "DB", "REPLICAS")
        return {name: value for name, value in os.environ.items() if name not in others} | own

    def make(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run make, expecting an exit code; what it printed on stdout."""
        finished = self.run("make", *arguments, **environment)
        said = f"make {' '.join(arguments)}: {finished.returncode}\n{finished.stdout}\n{finished.stderr}"
        assert code == finished.returncode, said
        return finished.stdout

    def compose(self, *arguments: str) -> str:
        """Run docker compose, expecting success; what it printed on stdout."""
        finished = self.run("docker", "compose", "--profile", "client", *arguments)
        assert 0 == finished.returncode, finished.stderr
        return finished.stdout

    def set(self, **settings: str) -> None:
        """Change the stack's .env."""
        path = self.folder / ".env"
        kept = [line for line in path.read_text().splitlines() if line.partition("=")[0] not in settings]
        path.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in settings.items())]) + "\n")

    @property
    def credentials(self) -> str:
        """login:password of the client's account."""
        return self.make("--silent", "credentials").strip()

    def get(self, target: str, credentials: str | None = None, method: str = "GET", **headers: str) -> Answer:
        """Ask nginx for a target as it is written."""
        return ask(self.http_port, target, credentials, method, **headers)

    def raw(self, request: bytes) -> Answer:
        """Send bytes to nginx as they are."""
        return read_answer(self.http_port, request)

    def get_nothing(self, request: bytes) -> None:
        """Send bytes to nginx, and wait until it has answered them or hung up."""
        address = ("127.0.0.1", self.http_port)
        with contextlib.suppress(ConnectionError), socket.create_connection(address, timeout=30) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    def lines(self, log: str, since: int = 0) -> list[str]:
        """The lines of a log on the volume, named from /logs on, after a number of them; the last must become whole."""

        def whole() -> list[str] | None:
            # Just rotated, it may not be there before the next line is written.
            text = self.output("nginx", "sh", "-c", f"[ ! -e /logs/{log} ] || tail -n +{since + 1} /logs/{log}")
            *lines, rest = text.split("\n")
            return None if rest else [*lines, rest]  # a reader may see half of a write that is under way

        return wait_until(whole)[:-1]

    def records(self, log: str, since: int = 0, holding: str = "") -> list[dict[str, Any]]:
        """The records of those lines of a log that hold a text; every such line must be JSON."""
        return [json.loads(line) for line in self.lines(log, since) if holding in line]

    def count(self, log: str, pattern: str = "") -> int:
        """How many lines of a log match; not by reading them all here, since a test may ask again and again."""
        return int(self.output("nginx", "sh", "-c", f"cat /logs/{log} 2>/dev/null | grep -cE '{pattern}' || true"))

    def mails(self, containing: str = "") -> list[EmailMessage]:
        """The mails that MailHog caught, newest first, read through its API."""
        url = f"http://127.0.0.1:{self.mail_port}/api/v2/messages?limit=250"
        with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
            items = sorted(json.load(answer)["items"], key=lambda item: item["Created"], reverse=True)
        texts = [item["Raw"]["Data"] for item in items]
        mails = [message_from_string(text, policy=policy.default) for text in texts]
        return [mail for mail in mails if containing in mail.get_content()]

    def healthy(self, service: str) -> int:
        """How many containers of a service are healthy."""
        return len(self.ids(f"label=com.docker.compose.service={service}", "health=healthy"))

    def restart_api(self) -> None:
        """Restart all replicas at once, and wait until nginx, which meanwhile knows of none, reaches one again."""
        self.compose("restart", "--no-deps", "api")
        wait_until(lambda: self.healthy("api") == 2)
        wait_until(lambda: self.get("/health/live").status == 200)

    def ids(self, *filters: str) -> list[str]:
        """The containers of the stack that Docker's filters leave, those that have ended included."""
        ours = f"label=com.docker.compose.project={self.project}"
        options = [f"--filter={one}" for one in (ours, "label=com.docker.compose.oneoff=False", *filters)]
        # Compose takes five times as long.
        listed = self.run("docker", "ps", "--all", "--quiet", "--no-trunc", *options)
        assert 0 == listed.returncode, listed.stderr
        return listed.stdout.split()

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What Docker knows of the containers of a service."""
        ids = self.ids(f"label=com.docker.compose.service={service}")
        return cast(list[dict[str, Any]], json.loads(self.run("docker", "inspect", *ids).stdout)) if ids else []

    def execute(self, service: str, *command: str) -> Finished:
        """Run a command in a running container of a service; what it printed and its exit code."""
        container = self.ids(f"label=com.docker.compose.service={service}", "status=running")[0]
        return self.run("docker", "exec", container, *command)

    def output(self, service: str, *command: str) -> str:
        """Run a command in a running container of a service, expecting success; what it printed on stdout."""
        finished = self.execute(service, *command)
        assert 0 == finished.returncode, finished.stderr
        return finished.stdout

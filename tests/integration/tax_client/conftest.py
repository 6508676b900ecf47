"""Fixtures for runs of the client: a folder, an environment without settings, and a slow service."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tax_client.cli import main
from tax_client.settings import SETTINGS
from tests.support.service import Service, running_service


@dataclass(frozen=True)
class Place:
    """A folder with the input and output files of a client."""

    folder: Path

    def arguments(self, command: str, url: str, *more: str) -> list[str]:
        """Return the arguments for a command that reads and writes its files in this folder."""
        files = ["--credentials-file", str(self.folder / "credentials"), "--log-file", str(self.folder / "client.log")]
        if command == "calculate":
            files += ["--results", str(self.folder / "results.json"), "--errors", str(self.folder / "errors.jsonl")]
        return [command, "--url", url, *files, *more]

    def run(self, command: str, url: str, *more: str) -> int:
        """Run a command and return its exit code."""
        return main(self.arguments(command, url, *more))

    def write(self, lines: str) -> str:
        """Write a taxpayers file with these lines, and return the path of the file."""
        path = self.folder / "taxpayers.txt"
        path.write_text(lines)
        return str(path)

    @property
    def results(self) -> list[dict[str, Any]]:
        """The content of the results file."""
        results: list[dict[str, Any]] = json.loads((self.folder / "results.json").read_text())
        return results

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The content of the errors file."""
        return json_lines(self.folder / "errors.jsonl")

    @property
    def log(self) -> list[dict[str, Any]]:
        """The events of the log."""
        return json_lines(self.folder / "client.log")


def json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON lines file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Create a folder with credentials, and remove all settings except the time-out from the environment."""
    for variable, *_ in SETTINGS.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TAX_TIMEOUT", "300")  # prevents time-outs on a slow test machine
    (tmp_path / "credentials").write_text("admin:pass:é\n")
    return Place(tmp_path)


@pytest.fixture(scope="module")
def slow_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the service with SLEEP_TIME=0.05, which delays half of the answers by 50 ms."""
    with running_service(tmp_path_factory.mktemp("service"), SLEEP_TIME="0.05") as running:
        yield running


@pytest.fixture
def bulk(place: Place, slow_service: Service) -> Place:
    """Return a folder with the credentials of the slow service."""
    (place.folder / "credentials").write_text(slow_service.credentials + "\n")
    return place

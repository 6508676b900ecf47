"""A place to run the client in, whole: its files, and an environment that sets nothing."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tax_client.cli import main
from tax_client.settings import SETTINGS


@dataclass(frozen=True)
class Place:
    """A folder to run the client in: its files, and the command line that names them."""

    folder: Path

    def arguments(self, command: str, url: str, *more: str) -> list[str]:
        """The arguments of a command that works in this folder."""
        files = ["--credentials-file", str(self.folder / "credentials"), "--log-file", str(self.folder / "client.log")]
        if command == "calculate":
            files += ["--results", str(self.folder / "results.json"), "--errors", str(self.folder / "errors.jsonl")]
        return [command, "--url", url, *files, *more]

    def run(self, command: str, url: str, *more: str) -> int:
        """The exit code of a command."""
        return main(self.arguments(command, url, *more))

    def write(self, lines: str) -> str:
        """The path of a taxpayers file of these lines."""
        path = self.folder / "taxpayers.txt"
        path.write_text(lines)
        return str(path)

    @property
    def results(self) -> list[dict[str, Any]]:
        """What the results file holds."""
        results: list[dict[str, Any]] = json.loads((self.folder / "results.json").read_text())
        return results

    @property
    def errors(self) -> list[dict[str, Any]]:
        """What the errors file holds."""
        return json_lines(self.folder / "errors.jsonl")

    @property
    def log(self) -> list[dict[str, Any]]:
        """The events of the log."""
        return json_lines(self.folder / "client.log")


def json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder of its own, credentials in it, and an environment without settings but for the time-out."""
    for variable, *_ in SETTINGS.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TAX_TIMEOUT", "300")  # however slow the machine is
    (tmp_path / "credentials").write_text("admin:pass:é\n")
    return Place(tmp_path)

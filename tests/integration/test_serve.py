"""Tests of `make serve` and `make venv` in a fresh copy of the project, without Docker."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.service import SHELL, ask
from tests.support.sessions import gone, in_session
from tests.support.stack import copy_project
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Create a fresh copy of the project, and return its path."""
    copy_project(tmp_path)
    return tmp_path


def lend_venv(project: Path) -> None:
    """Create a virtual environment in the copy. Its programs are links to the programs of the tests' environment."""
    folder = project / ".venv/bin"
    folder.mkdir(parents=True)
    for program in Path(sys.executable).parent.iterdir():
        if program.name != ".ready":
            (folder / program.name).symlink_to(program)
    (folder / ".ready").write_text(f"{project.resolve()}\n")  # records the project folder of the environment


def environment(**own: str) -> dict[str, str]:
    """Return the environment variables for `make`, without settings and without variables of an outer `make`."""
    return {name: value for name, value in os.environ.items() if name in SHELL} | own


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `make` until it exits."""
    command = ["make", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def serving(project: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `make serve` on a free port in a separate session, and kill the session when the context ends."""
    with in_session(["make", "serve"], project, environment(BIND="127.0.0.1:0"), one_output=True) as process:
        try:
            yield process
        finally:
            if not gone(process.pid):
                os.killpg(process.pid, signal.SIGKILL)


def port_of(process: subprocess.Popen[str]) -> int:
    """Wait until the service prints its address, and return the port."""
    assert process.stdout
    said = ""
    while not (found := re.search(r"serves http://127.0.0.1:(\d+)", said)):
        line = process.stdout.readline()
        assert line, said
        said += line
    return int(found[1])


def answers(port: int) -> bool:
    """Return whether the service on a port is ready."""
    try:
        return ask(port, "/health/ready", None).status == 200
    except OSError:
        return False


def test_serve(project: Path) -> None:
    """`make serve` accepts the credentials that `make credentials` prints, and Ctrl-C ends all processes."""
    lend_venv(project)
    with serving(project) as process:
        port = port_of(process)
        assert answers(port)
        credentials = make(project, "--silent", "credentials").stdout.strip()
        answer = ask(port, TARGET, credentials)
        refused = ask(port, TARGET, f"{credentials}x")
        # Signal the whole process group, as Ctrl-C in a terminal does.
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        wait_until(lambda: gone(process.pid))
    assert (200, 42842) == (answer.status, answer.body["response"]["result"]["tax"])
    assert 401 == refused.status
    assert "Traceback" not in said
    assert not answers(port)
    assert (project / "var/logs/api/api.log").stat().st_size


@pytest.mark.parametrize("target", ["venv", "serve"])
def test_make_without_python_prints_the_remedy(project: Path, target: str) -> None:
    """If PYTHON is not an interpreter, `make` prints the remedy and does not create `.venv`."""
    finished = make(project, target, "PYTHON=/nowhere")
    sentence, *rest = finished.stderr.splitlines()
    assert 2 == finished.returncode
    assert "/nowhere is not Python 3.11 or newer. Install a newer Python, or name one: make PYTHON=" in sentence
    assert all(line.startswith("make") for line in rest), "after the remedy, only make's own error messages can follow"
    assert not (project / ".venv").exists()

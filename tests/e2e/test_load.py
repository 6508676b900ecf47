"""Tests of `make load`: requests, reports, and the cleanup after each kind of exit."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.budget import pairs
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("clients")


def reports(stack: Stack, ending: str) -> set[Path]:
    """Return the paths of the reports whose file names have this extension."""
    return set((stack.folder / "reports").glob(f"load-*.{ending}"))


def run_load(stack: Stack, *arguments: str, code: int = 0) -> tuple[str, dict[str, Any]]:
    """Run `make load`, and return its stdout and its JSON report."""
    before = reports(stack, "json")
    said = stack.make("load", *arguments, code=code)
    (report,) = reports(stack, "json") - before
    assert report.with_suffix(".html").exists()
    assert f"report      {report.relative_to(stack.folder)}" in said
    return said, json.loads(report.read_text())


@contextmanager
def loading(stack: Stack, clients: int = 1) -> Iterator[subprocess.Popen[str]]:
    """Start a `make load` of ten minutes in a separate session, and yield the process during the flood."""
    with stack.making("load", "DURATION=600", f"CLIENTS={clients}") as process:
        assert process.stderr
        assert any(" requests" in line for line in process.stderr), "`make load` must print its progress"
        wait_until(lambda: clients == len(containers(stack)))
        yield process


def containers(stack: Stack) -> list[str]:
    """Return the ids of the client's containers, including stopped containers."""
    own = ("docker", "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={stack.project}")
    return stack.run(*own, "--filter", "label=com.docker.compose.service=client").stdout.split()


def test_report_is_written(stack: Stack) -> None:
    """`make load` writes a report with the internal URL, the engine and the counts."""
    _, report = run_load(stack, "REQUESTS=500")
    assert ("http://nginx:8080", "curl") == (report["settings"]["url"], report["settings"]["engine"])
    assert (500, 500) == (report["total"]["sent"], report["total"]["right"])


@pytest.mark.parametrize("batch", [[], ["BATCH=50"]])
def test_random_households_get_correct_responses(stack: Stack, batch: list[str]) -> None:
    """All responses for random households equal the results that `make load` calculates without the server."""
    _, report = run_load(stack, "HOUSEHOLDS=400", "SEED=1", "REQUESTS=400", *batch)
    assert 400 == report["total"]["right"]
    assert (8 if batch else 400) == report["settings"]["different requests"]


@pytest.mark.parametrize(
    ("name", "content", "batch", "counted"),
    [
        (
            "some taxpayers.csv",
            "ID,Year,Married,Children,Salary\n1,2024,yes,2,50000\n2,2018,no,0,30000\n",
            [],
            "different requests",
        ),
        (
            "some.JSONL",
            '{"id":1,"married":"yes","children":2,"salary":5}\n{"id":2,"married":"no","children":0,"salary":7}\n',
            ["BATCH=500"],
            "households a request",
        ),
    ],
)
def test_taxpayers_files_are_accepted(stack: Stack, name: str, content: str, batch: list[str], counted: str) -> None:
    """`make load` accepts a taxpayers file in CSV or JSON lines, and a batch size above the number of taxpayers."""
    file = stack.folder / name
    file.write_text(content)
    _, report = run_load(stack, f"FILE={file}", "REQUESTS=10", *batch)
    assert (2, 10) == (report["settings"][counted], report["total"]["right"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["FILE=/nowhere/x"], "FILE=/nowhere/x cannot be read"),
        (["FILE=Makefile"], "taxpayers file: line "),
        (["FILE=Makefile", "YEARS=2024"], "SEED and YEARS need random households"),
        (["SEED=1"], "SEED and YEARS need random households"),
        (["FILE=Makefile", "HOUSEHOLDS=5"], "Use only one of them"),
        (["CLIENTS=2", "OPTIONS=--fail-if 'errors>0'"], "With CLIENTS=2, use FAIL_IF"),
    ],
)
def test_invalid_options_cause_an_error_message(stack: Stack, arguments: list[str], said: str) -> None:
    """`make load` rejects missing files, files without households and conflicting options, and writes no report."""
    before = reports(stack, "json")
    refused = stack.run("make", "load", *arguments)
    assert 2 == refused.returncode
    assert said in refused.stderr
    assert before == reports(stack, "json")


def test_several_clients_produce_one_report(stack: Stack) -> None:
    """Several clients produce one report with total counts, and each FAIL_IF condition applies to the total counts."""
    said, report = run_load(stack, "CLIENTS=3", "REQUESTS=300", "FAIL_IF=errors>0 rate<1")
    assert (900, 900, 3) == (report["total"]["sent"], report["total"]["right"], report["clients"])
    assert "threshold   errors>0: passed" in said
    said, _ = run_load(stack, "CLIENTS=2", "REQUESTS=50", "FAIL_IF=max>1us", code=2)
    assert "threshold   max>1us: failed" in said
    assert [] == containers(stack)


@pytest.mark.parametrize("clients", ["CLIENTS=1", "CLIENTS=2"])
def test_a_load_without_a_right_answer_fails(stack: Stack, clients: str) -> None:
    """With one or two clients, a run without a right answer fails, even if a FAIL_IF condition allows the errors."""
    nowhere = (clients, "REQUESTS=10", "OPTIONS=--url http://nginx:9")
    said, report = run_load(stack, *nowhere, "FAIL_IF=errors>100%", code=2)
    assert "threshold   errors>100%: passed, 100%" in said
    assert "request(s) got a right answer" in said
    assert report["total"]["sent"] == report["total"]["failures"]["connection refused"]


@pytest.mark.parametrize(("number", "clients"), pairs([signal.SIGINT, signal.SIGTERM], [1, 2]))
def test_an_interruption_leaves_a_report_and_no_container(stack: Stack, number: signal.Signals, clients: int) -> None:
    """After SIGINT or SIGTERM to all processes, `make load` prints the summary and removes the containers."""
    with loading(stack, clients) as process:
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=300)
    assert process.returncode
    assert " right, 0 wrong, 0 failed" in out, err
    wait_until(lambda: not containers(stack))


@pytest.mark.parametrize(("alone", "clients"), pairs([False, True], [1, 2]))
def test_a_killed_load_leaves_no_container(stack: Stack, clients: int, alone: bool) -> None:
    """After a SIGKILL of the script or of its whole session, all containers and temporary files are removed."""
    with loading(stack, clients) as process:
        script = int(stack.run("pgrep", "--parent", str(process.pid)).stdout)
        os.kill(script, signal.SIGKILL) if alone else os.killpg(process.pid, signal.SIGKILL)
        wait_until(lambda: not containers(stack), 300)  # waits at most 300 s, because the flood ends after 600 s
    wait_until(lambda: not list((stack.folder / "reports").glob(".load-*")))


@pytest.mark.parametrize("clients", [1, 2])
def test_an_interruption_before_the_flood_prevents_the_flood(stack: Stack, clients: int) -> None:
    """If SIGTERM arrives before the flood starts, `make load` does not start the flood and removes all its files."""
    before = set((stack.folder / "reports").glob(".load-*/alive"))  # files of earlier runs whose cleanup has not ended
    with stack.making("load", "DURATION=600", f"CLIENTS={clients}") as process:
        wait_until(lambda: set((stack.folder / "reports").glob(".load-*/alive")) - before)
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=300)
    assert process.returncode
    wait_until(lambda: not containers(stack))
    wait_until(lambda: not list((stack.folder / "reports").glob(".load-*")))


@pytest.mark.parametrize(("shell", "clients"), pairs([("dash",), ("bash", "--posix")], ["2", "1"]))
def test_script_returns_the_exit_code_in_each_shell(stack: Stack, shell: tuple[str, ...], clients: str) -> None:
    """In each shell, the script exits with 0 after success and with 1 after a failed condition."""
    for condition, code in (("errors>0", 0), ("max>1us", 1)):
        few: dict[str, Any] = {"REQUESTS": "20", "CLIENTS": clients, "FAIL_IF": condition}
        finished = stack.run(*shell, "tools/run-load", **few)
        assert code == finished.returncode, finished.stderr
        assert "not a child" not in finished.stderr

"""Tests of `make calculate` after an interruption or a kill: output, cleanup and resumption."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.test_load import containers
from tests.support.budget import budget
from tests.support.stack import Stack
from tests.support.taxpayers_file import write_taxpayers
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("clients")
LINES = budget(50_000, 200_000)


def contents(stack: Stack) -> list[bytes]:
    """Return the contents of the results file and of the errors file."""
    return [(stack.folder / "results" / name).read_bytes() for name in ("results.json", "errors.jsonl")]


def copies(stack: Stack) -> list[Path]:
    """Return the paths of the copies that `make calculate` makes of its input files."""
    return list((stack.folder / "results").glob(".calculate-*"))


@contextmanager
def calculating(stack: Stack, file: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a slow `make calculate` in a separate session, and yield the process after its first checkpoint."""
    checkpoint = stack.folder / "results/results.json.checkpoint"
    checkpoint.unlink(missing_ok=True)
    with stack.making("calculate", f"FILE={file}", "OPTIONS=--batch 20 --max-threads 1") as process:
        wait_until(checkpoint.exists)
        assert 1 == len(containers(stack))
        yield process


@pytest.fixture(scope="module")
def file(stack: Stack) -> Path:
    """Write a file with many taxpayers, and return the file's path."""
    path = stack.folder / "many households.txt"
    write_taxpayers(path, LINES)
    return path


@pytest.fixture(scope="module")
def whole(stack: Stack, file: Path) -> list[bytes]:
    """Return the contents of the output files of an uninterrupted run."""
    stack.make("calculate", f"FILE={file}", "OPTIONS=--batch 1000")
    return contents(stack)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_calculation_can_be_resumed(
    stack: Stack, file: Path, whole: list[bytes], number: signal.Signals
) -> None:
    """After SIGINT or SIGTERM both output files are valid, and no container is left.

    A run with --resume then produces the same files as an uninterrupted run.
    """
    with calculating(stack, file) as process:
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=300)
    assert process.returncode
    assert "interrupted: continue with --resume" in err
    results, errors = contents(stack)
    assert 0 < len(json.loads(results)) < LINES
    assert json.loads(errors.splitlines()[-1])["reason"].startswith("interrupted")
    wait_until(lambda: not containers(stack))
    wait_until(lambda: not copies(stack))
    stack.make("calculate", f"FILE={file}", "OPTIONS=--batch 1000 --resume")
    assert whole == contents(stack)


def test_earlier_results_stay_after_a_failed_run(stack: Stack) -> None:
    """If an option is mistyped or a file has no taxpayers, earlier results stay unchanged."""
    file = stack.folder / "one.JSONL"
    file.write_text('{"id":1,"married":"yes","children":2,"salary":55555}\n')
    stack.make("calculate", f"FILE={file}")
    results, errors = contents(stack)
    assert 1 == len(json.loads(results))
    stack.make("calculate", f"FILE={file}", "OPTIONS=--batsh 5", code=2)
    assert [results, errors] == contents(stack)
    file.write_text("no taxpayer\n")
    stack.make("calculate", f"FILE={file}", code=2)
    after, told = contents(stack)
    assert results == after
    assert 1 == json.loads(told)["line"]


def test_a_killed_calculation_leaves_no_container(stack: Stack, file: Path) -> None:
    """After a SIGKILL the client's container and the copy of the input file are removed."""
    with calculating(stack, file) as process:
        os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: not containers(stack))
    wait_until(lambda: not copies(stack))

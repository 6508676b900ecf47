"""`make calculate`, interrupted and killed: what it leaves, and that it can be gone on with."""

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
    """The bytes of both output files."""
    return [(stack.folder / "results" / name).read_bytes() for name in ("results.json", "errors.jsonl")]


def copies(stack: Stack) -> list[Path]:
    """The copies of inputs that are left."""
    return list((stack.folder / "results").glob(".calculate-*"))


@contextmanager
def calculating(stack: Stack, file: Path) -> Iterator[subprocess.Popen[str]]:
    """A `make calculate` in no hurry, in a session of its own, far enough to be gone on with."""
    checkpoint = stack.folder / "results/results.json.checkpoint"
    checkpoint.unlink(missing_ok=True)
    with stack.making("calculate", f"FILE={file}", "OPTIONS=--batch 20 --max-threads 1") as process:
        wait_until(checkpoint.exists)
        assert 1 == len(containers(stack))
        yield process


@pytest.fixture(scope="module")
def file(stack: Stack) -> Path:
    """A file of many taxpayers."""
    path = stack.folder / "many households.txt"
    write_taxpayers(path, LINES)
    return path


@pytest.fixture(scope="module")
def whole(stack: Stack, file: Path) -> list[bytes]:
    """Both output files of a run left alone."""
    stack.make("calculate", f"FILE={file}", "OPTIONS=--batch 1000")
    return contents(stack)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_calculation_is_gone_on_with(
    stack: Stack, file: Path, whole: list[bytes], number: signal.Signals
) -> None:
    """After Ctrl-C or TERM both files parse and no container is left; --resume gives the bytes of a run left alone."""
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


def test_results_of_before_stay_until_there_are_others(stack: Stack) -> None:
    """An option that is mistyped, or a file without a taxpayer, costs nothing that was calculated before."""
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
    """However hard it is ended: what it has started ends too, and its copy of the input is cleared away."""
    with calculating(stack, file) as process:
        os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: not containers(stack))
    wait_until(lambda: not copies(stack))

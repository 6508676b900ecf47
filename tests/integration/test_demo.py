"""Tests of `make demo` in a fresh copy of the project: the output, and the end of all processes."""

import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.support.data import v7_cases
from tests.support.sessions import gone, in_session
from tests.support.stack import copy_project
from tests.support.waiting import wait_until

DEMO = [sys.executable, "-m", "tools.demo"]


def test_demo(tmp_path: Path) -> None:
    """The demo prints the results of 2025, the invalid lines, the published results and one alert mail, and exits."""
    copy_project(tmp_path)
    with in_session(DEMO, tmp_path, one_output=True) as demo:
        said, _ = demo.communicate(timeout=300)
    assert 0 == demo.returncode, said
    fields = [line.split() for line in said.splitlines()]
    rows = [row for row in fields if len(row) in (9, 12) and row[0].isdigit()]
    assert [str(number) for number in range(1, 12)] * 2 == [row[0] for row in rows]
    assert ["2025"] * 11 == [row[1] for row in rows[:11]], "the first results must be results of the law of 2025"
    assert ["946", "147", "0", "17087"] == [row[11] for row in rows[:4]]
    assert [str(case["tax"]) for case in v7_cases()[:11]] == [row[4] for row in rows[11:]]
    assert (
        said.index("under the law of 2025") < said.index("income_year") < said.index("the tutorial's rules (v7) apply")
    )
    assert 8 == said.count('{"line": ')
    assert 1 == said.count(f"Subject: [tax-service on {socket.gethostname()}] could not start")
    assert "Connection refused" in said
    assert gone(demo.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_interrupted_demo_stops_all_processes(tmp_path: Path, number: signal.Signals) -> None:
    """After a signal the demo stops all processes that it started, and prints no traceback."""
    copy_project(tmp_path)
    with in_session(DEMO, tmp_path, one_output=True) as demo:
        assert demo.stdout is not None
        seen = ""
        while "serves a socket" not in seen and "serves http" not in seen:
            line = demo.stdout.readline()
            assert line, seen
            seen += line
        demo.send_signal(number)
        said, _ = demo.communicate(timeout=120)
    assert 128 + number == demo.returncode
    assert "Traceback" not in said
    wait_until(lambda: gone(demo.pid))

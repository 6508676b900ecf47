"""Tests of the tool behind `make logs`, on a folder of logs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.data import ROOT

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "services/common/src")}
COMMAND = [sys.executable, str(ROOT / "tools/print_logs.py")]
ID = "0123456789abcdef"
ORIGIN = {"time": "2026-01-02T03:04:05.000006+01:00", "level": "info", "service": "api", "host": "c1", "pid": 7}
REQUEST = ORIGIN | {"thread": "T", "place": "index", "seconds": 8.3e-05, "request_id": ID, "event": "request"}
LOST = ORIGIN | {"level": "error", "place": "database", "reason": "no route\n\x85 to host", "event": "database lost"}
ACCESS: dict[str, Any] = {"time": "2026-01-02T03:04:06+01:00", "service": "nginx", "request_id": ID, "method": "GET"}
ACCESS |= {"uri": "/?x=\x1b", "status": 200, "duration": 0.003}
TROUBLE = "2026/01/02 03:04:05 [error] 31#31: *1 client intended to send too large body"
POSTGRES = ["2026-01-02 03:04:05.000 UTC [9] LOG:  ready", "2026-01-02 03:04:05.000 UTC [9] FATAL:  no\x1b[31m"]


def write(folder: Path, log: str, *lines: dict[str, Any] | str) -> Path:
    """Append lines to a log, and return its path."""
    path = folder / log
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    return path


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Create a folder with the logs of several services."""
    write(tmp_path, "api/api.log", *(REQUEST | {"request_id": f"other-{n}"} for n in range(30)), REQUEST, LOST)
    write(tmp_path, "api/api.log.20260101T000000.000000Z", REQUEST | {"place": "archive"})
    write(tmp_path, "nginx/access.log", ACCESS, ACCESS | {"request_id": f"{ID}0"})
    write(tmp_path, "nginx/error.log", TROUBLE)
    write(tmp_path, "nginx/error.log.1", f"{TROUBLE} {ID}")
    write(tmp_path, "postgres/monday.log", *POSTGRES)
    (tmp_path / "client").mkdir()
    (tmp_path / "mysql").mkdir()
    return tmp_path


def run(folder: Path, **selection: str) -> tuple[int, dict[str, list[str]], str]:
    """Run the tool. Return its exit code, the printed lines of each log, and its error."""
    given = [f"{name}={value}" for name, value in selection.items()]
    done = subprocess.run(
        [*COMMAND, f"FOLDER={folder}", *given], capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    sections: dict[str, list[str]] = {}
    for part in done.stdout.split("==> ")[1:]:
        head, _, text = part.partition(" <==\n")
        sections[head.removeprefix(f"{folder}/")] = [line for line in text.splitlines() if line]
    return done.returncode, sections, done.stderr


def test_lines_are_readable(logs: Path) -> None:
    """Lines of API and nginx have a readable form, other lines are unchanged, and control characters are escaped."""
    code, found, _ = run(logs, LINES="2")
    assert (0, ["api/api.log", "nginx/access.log", "nginx/error.log", "postgres/monday.log"]) == (code, [*found])
    assert [
        f"2026-01-02T03:04:05.000006+01:00 api info request host=c1 place=index seconds=0.000083 request_id={ID}",
        "2026-01-02T03:04:05.000006+01:00 api error database lost host=c1 place=database "
        r'reason="no route\n\x85 to host"',
    ] == found["api/api.log"]
    assert rf"2026-01-02T03:04:06+01:00 nginx 200 GET /?x=\x1b 0.003 s {ID}" == found["nginx/access.log"][0]
    assert [[TROUBLE], [POSTGRES[0], POSTGRES[1].replace("\x1b", r"\x1b")]] == [*found.values()][2:]


def test_a_traceback_follows_its_line(logs: Path) -> None:
    """The lines of a traceback are indented, so that no exception can look like a line of a log."""
    write(
        logs, "client/client.log", LOST | {"service": "client", "reason": "", "exception": "Error: a\n2026 api info b"}
    )
    assert [
        '2026-01-02T03:04:05.000006+01:00 client error database lost host=c1 place=database reason=""',
        "    Error: a",
        "    2026 api info b",
    ] == run(logs, SERVICE="client")[1]["client/client.log"]


def test_raw_lines_are_unchanged(logs: Path) -> None:
    """With RAW=1, the tool prints each line as it is in the log. LINES has the default 20."""
    found = run(logs, RAW="1")[1]["api/api.log"]
    assert 20 == len(found)
    assert [REQUEST, LOST] == [json.loads(line) for line in found[-2:]]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("api", ["api/api.log"]),
        ("nginx", ["nginx/access.log", "nginx/error.log"]),
        ("db", ["postgres/monday.log"]),
        ("postgres", ["postgres/monday.log"]),
        ("mysql", []),
    ],
)
def test_service_selects_logs(logs: Path, service: str, expected: list[str]) -> None:
    """SERVICE selects the logs of one service. The service `db` has the logs of both databases."""
    assert (0, expected) == (run(logs, SERVICE=service)[0], [*run(logs, SERVICE=service)[1]])


def test_level_selects_lines(logs: Path) -> None:
    """LEVEL selects the lines of this level and above, and then LINES limits them. Logs without lines are not named."""
    write(logs, "api/api.log", ORIGIN | {"level": "warning", "event": "slow"}, *[REQUEST] * 30, "[error] forged")
    warnings, errors = run(logs, LEVEL="warning", LINES="3")[1], run(logs, LEVEL="error")[1]
    assert ["database lost", "slow"] == [
        line.partition(" host")[0].split(" ", 3)[3] for line in warnings["api/api.log"][:2]
    ]
    assert ["api/api.log", "nginx/error.log", "postgres/monday.log"] == [*warnings] == [*errors]
    assert ([TROUBLE], 1) == (errors["nginx/error.log"], len(errors["postgres/monday.log"]))
    assert 32 + 32 == len(run(logs, LEVEL="info", LINES="100")[1]["api/api.log"])


def test_id_selects_lines_of_logs_and_archives(logs: Path) -> None:
    """ID selects the lines with this whole request id in all logs and archives, the oldest first."""
    found = run(logs, ID=ID, LINES="9")[1]
    assert {"api/api.log": 2, "nginx/access.log": 1, "nginx/error.log": 1} == {log: len(found[log]) for log in found}
    assert ["place=archive", "place=index"] == [line.split()[5] for line in found["api/api.log"]]
    assert {} == run(logs, ID="00000000")[1]


def test_id_with_dots_selects_whole_ids(tmp_path: Path) -> None:
    """ID selects no longer id with dots, but a line in which a full stop follows the id."""
    others = ["order-17.2", "order-17..", "2.order-17", ".order-17", "order-17-2", "order-17_"]
    own = ["failed order-17.", "order-17. Next", '"order-17"', "order-17, order-18"]
    write(tmp_path, "nginx/error.log", *others, *own)
    assert own == run(tmp_path, ID="order-17")[1]["nginx/error.log"]
    assert ["order-17.2"] == run(tmp_path, ID="order-17.2")[1]["nginx/error.log"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LINES", "-1", "a number of lines"),
        ("LINES", "٣", "a number of lines"),
        ("SERVICE", "web", "api, client, db, mysql, nginx or postgres"),
        ("SERVICE", "../api", "api, client, db, mysql, nginx or postgres"),
        ("LEVEL", "WARN", "debug, info, warning or error"),
        ("ID", "$(reboot)", "a request id, which has 8 to 64 letters, digits, dots, underscores or hyphens"),
        ("ID", "short", "a request id, which has 8 to 64 letters, digits, dots, underscores or hyphens"),
        ("FOLLOW", "yes", "0 or 1"),
        ("RAW", "yes", "0 or 1"),
    ],
)
def test_wrong_values_are_named(logs: Path, name: str, value: str, expected: str) -> None:
    """The error about a wrong value names the variable, the value and the expected values. Nothing is printed."""
    assert (1, {}, f"{name} is [{value}]; expected {expected}\n") == run(logs, **{name: value})


@contextmanager
def following(folder: Path, *selection: str) -> Iterator[Iterator[str]]:
    """Run the tool with FOLLOW=1, and yield an iterator over its output without empty lines."""
    command = [*COMMAND, f"FOLDER={folder}", "FOLLOW=1", *selection]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        try:
            yield (line.rstrip("\n") for line in process.stdout if line != "\n")
        finally:
            process.kill()


def test_new_lines_are_followed_over_rotations(logs: Path) -> None:
    """FOLLOW=1 prints the new lines that LEVEL selects, also of new logs, and after a renaming or a truncation."""
    error = ORIGIN | {"level": "error"}
    with following(logs, "LEVEL=error", "RAW=1", "SERVICE=api") as output:
        assert [f"==> {logs}/api/api.log <==", LOST] == [next(output), json.loads(next(output))]
        log = write(logs, "api/api.log", REQUEST, error | {"event": "first"})
        assert "first" == json.loads(next(output))["event"]
        log.rename(logs / "api/api.log.20260102T000000.000000Z")
        write(logs, "api/api.log.20260102T000000.000000Z", error | {"event": "renamed"})
        write(logs, "api/api.log", error | {"event": "second"})
        assert ["renamed", "second"] == [json.loads(next(output))["event"] for _ in range(2)]
        os.truncate(log, 0)
        write(logs, "api/api.log", error | {"event": "3"})
        assert "3" == json.loads(next(output))["event"]
        write(logs, "api/new.log", error | {"event": "new"})
        assert f"==> {logs}/api/new.log <==" == next(output)
        assert "new" == json.loads(next(output))["event"]

"""Tests of `make user-add` and `make logs` for a running stack."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
from secrets import token_hex

import pytest

from tests.support.service import Answer
from tests.support.stack import Stack
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"
HEAD = re.compile(r"^==> (/logs/\S+) <==$")


def test_user_add(stack: Stack) -> None:
    """`make user-add` reads the password from stdin, and the running containers accept the new user immediately."""
    before = {container["Id"] for container in stack.containers("api")}
    assert 401 == stack.get(TARGET, "ann:pass word").status
    try:
        added = stack.run("sh", "-c", "echo 'pass word' | make user-add LOGIN=ann")
        assert 0 == added.returncode, added.stderr
        assert "pass word" not in added.stdout + added.stderr
        assert [200] * 8 == [answer.status for answer in ask_all_workers(stack, "ann:pass word")]
        assert before == {container["Id"] for container in stack.containers("api")}
    finally:
        stack.make("user-remove", "LOGIN=ann")


@pytest.mark.parametrize("login", ["a$(id)", "$(shell id)", "`id`", "a;id", "-h", "--help", "a b"])
def test_a_login_name_is_neither_code_nor_an_option(stack: Stack, login: str) -> None:
    """`make user-add` rejects a login name with other characters. Neither make nor a shell runs the name."""
    before = stack.make("--silent", "users")
    rejected = stack.run("sh", "-c", 'echo "pass word" | make user-add LOGIN="$1"', "-", login)
    assert 2 == rejected.returncode
    assert f"the login name is [{login}]: choose 1 to 64 ASCII letters, digits or . _ @ -" in rejected.stderr
    assert before == stack.make("--silent", "users")


def test_user_add_on_a_terminal(stack: Stack) -> None:
    """On a terminal `make user-add` prompts for the password without echo."""
    ours, theirs = os.openpty()
    shown = ""
    process = subprocess.Popen(
        ["make", "user-add", "LOGIN=ann"], cwd=stack.folder, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        while "password of ann: " not in shown:
            assert select.select([ours], [], [], 60)[0], shown
            shown += os.read(ours, 1000).decode(errors="replace")
        os.write(ours, b"pass word\n")
        with contextlib.suppress(OSError):  # raised when the process closes the terminal
            while select.select([ours], [], [], 60)[0] and (said := os.read(ours, 1000)):
                shown += said.decode(errors="replace")
        assert 0 == process.wait(60), shown
        assert "pass word" not in shown
        assert [200] * 8 == [answer.status for answer in ask_all_workers(stack, "ann:pass word")]
    finally:
        process.kill()
        os.close(ours)
        stack.run("make", "user-remove", "LOGIN=ann")


def ask_all_workers(stack: Stack, credentials: str) -> list[Answer]:
    """Send eight requests, which is about two per worker, and return the responses."""
    return [stack.get(TARGET, credentials) for _ in range(8)]


def sections(printed: str) -> dict[str, list[str]]:
    """Split the output of `make logs` at the paths of the logs, and return a mapping from each file to its lines."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in printed.splitlines():
        if head := HEAD.match(line):
            lines = found.setdefault(head[1], [])
        else:
            lines.append(line)
    return found


def test_logs(stack: Stack) -> None:
    """`make logs LINES=30` prints the newest 30 lines of every log."""
    stack.make("load", "REQUESTS=4")
    answer = stack.get(TARGET, stack.credentials)
    wait_until(lambda: stack.records("nginx/access.log", holding=answer.request_id))
    *counted, _sum = stack.output("nginx", "sh", "-c", "wc -c /logs/*/*.log").splitlines()
    sizes = {path: int(size) for size, path in map(str.split, counted)}
    found = sections(stack.make("--silent", "logs", "LINES=30"))
    assert sizes.keys() <= found.keys()
    assert [] == [path for path, size in sizes.items() if size and not any(found[path])]
    for log in ("api", "nginx"):
        assert any(answer.request_id in line for path in found for line in found[path] if f"/{log}/" in path)
    assert any("flood_end" in line or "end of the flood" in line for line in found["/logs/client/client.log"])
    # Exclude the empty lines between the logs, and the lines of tracebacks.
    assert 30 >= max(len([line for line in lines if line and line[0] != " "]) for lines in found.values())


def test_logs_of_a_request(stack: Stack) -> None:
    """`make logs ID=` prints the lines of one request, and rejects wrong values without running them in a shell."""
    answer = stack.get("/?salary=x", stack.credentials)
    wait_until(lambda: stack.records("nginx/access.log", holding=answer.request_id))
    found = sections(stack.make("--silent", "logs", f"ID={answer.request_id}"))
    assert {"/logs/api/api.log": 2, "/logs/nginx/access.log": 1} == {
        path: len([*filter(None, found[path])]) for path in found
    }
    assert " api info answer " in found["/logs/api/api.log"][1]
    assert " nginx 400 GET /?salary=x " in found["/logs/nginx/access.log"][0]
    raw = sections(stack.make("--silent", "logs", f"ID={answer.request_id}", "SERVICE=nginx", "RAW=1"))
    assert 400 == json.loads(raw["/logs/nginx/access.log"][0])["status"]
    for value in ("$(shell touch made)", "$$(touch made)", '"; touch made; "'):
        refused = stack.run("make", "--silent", "logs", f"ID={value}")
        assert (True, "") == (refused.returncode > 0, refused.stdout)
        assert "expected a request id" in refused.stderr
    assert not (stack.folder / "made").exists()
    refused = stack.run("make", "--silent", "logs", "SERVICE=web")
    assert "SERVICE is [web]; expected api, client, db, mailhog, mysql, nginx or postgres" in refused.stderr


def test_logs_print_no_control_characters(stack: Stack) -> None:
    """`make logs` escapes the control characters that a client sent, also with FOLLOW=1."""
    name = token_hex(8)
    head = f"POST /{name} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n".encode()
    stack.get_nothing(head + b"Referer: \x1b[31mRED \x1b]0;PWNED\x07 \xc2\x9b2J \x9b2J\r\n\r\n")
    wait_until(lambda: stack.count("nginx/error.log", name))
    line = next(
        line for line in stack.make("--silent", "logs", "LINES=30").splitlines() if name in line and "PWNED" in line
    )
    assert r"\x1b[31mRED \x1b]0;PWNED\x07 \x9b2J \x9b2J" in line
    with stack.making("--silent", "logs", "LINES=30", "FOLLOW=1") as follow:
        assert follow.stdout is not None
        followed = next(line for line in follow.stdout if name in line and "PWNED" in line)
        os.killpg(follow.pid, signal.SIGINT)
    assert line == followed.rstrip("\n")

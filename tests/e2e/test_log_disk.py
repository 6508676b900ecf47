"""Tests of the running stack with a full or read-only log disk."""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tax_common.logs.log_file import CHECK_EVERY
from tests.support.inbox import Inbox
from tests.support.stack import Stack
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"
LOGS = "/logs/api"
NGINX_LOGS = "/logs/nginx"
# The API prints both messages on stderr. Its alert mails contain only LOSING.
LOSING, WRITING = "log lines are being lost", "log lines are written again"
READY = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8000/health/ready').read().decode())"


def within(stack: Stack, container: str, *command: str) -> str:
    """Run a command in a container, assert success, and return its stdout."""
    finished = stack.run("docker", "exec", container, *command)
    assert 0 == finished.returncode, finished.stderr
    return finished.stdout


def mount(stack: Stack, pid: int, *command: str) -> None:
    """Run a privileged command in the mount namespace of a container's process."""
    image = stack.containers("api")[0]["Image"]
    helper = ["docker", "run", "--rm", "--privileged", "--pid=host", "--user=root", "--entrypoint=nsenter", image]
    finished = stack.run(*helper, f"--target={pid}", "--mount", "--pid", *command)
    assert 0 == finished.returncode, finished.stderr


@contextmanager
def mount_disk(stack: Stack, container: dict[str, Any], folder: str, options: str) -> Iterator[str]:
    """Mount a temporary disk over a folder of a container, and yield the container's id."""
    pid = container["State"]["Pid"]
    mount(stack, pid, "mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
    try:
        yield container["Id"]
    finally:
        mount(stack, pid, "umount", "--lazy", folder)


@contextmanager
def own_disk(stack: Stack, options: str, replica: int) -> Iterator[str]:
    """Mount a temporary disk over the log folder of one replica, and yield the container's id."""
    try:
        with mount_disk(stack, stack.containers("api")[replica], LOGS, options) as container:
            yield container
    finally:
        time.sleep(CHECK_EVERY)  # waits, so that each worker reopens the log on the volume before its next write


def written_ids(stack: Stack) -> set[str]:
    """Return the ids of all answered requests in the log on the volume and in the archives of the log."""
    lines = stack.output("nginx", "sh", "-c", f"cat {LOGS}/api.log*").splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{")]  # skips archives in text format
    return {record["request_id"] for record in records if record["event"] == "answer"}


def ask_all(stack: Stack, credentials: str, count: int) -> set[str]:
    """Send `count` requests concurrently, so that each worker gets some of the requests, and return the request ids."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: stack.get(TARGET, credentials), range(count)))
    assert {200} == {answer.status for answer in answers}
    return {answer.request_id for answer in answers}


def readiness(stack: Stack, container: str) -> dict[str, Any]:
    """Return a replica's readiness report."""
    answer = json.loads(within(stack, container, "python", "-c", READY))
    response: dict[str, Any] = answer["response"]
    return response


def record(line: str) -> dict[str, Any] | None:
    """Return the record of a log line, or None if the line is truncated."""
    try:
        found: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return found


def count_printed(stack: Stack, sentence: str) -> int:
    """Return how often a message occurs in the output of `docker compose logs api`."""
    return stack.compose("logs", "--no-color", "api").count(f"{sentence}\n")


def test_requests_succeed_with_a_full_log_disk(stack: Stack, credentials: str) -> None:
    """With a full log disk the API answers requests, reports the loss, and resumes writing after space is freed."""
    inbox, sentence = Inbox(stack), f"{LOSING}: {LOGS}/api.log: the disk is full"
    printed = count_printed(stack, sentence)
    with own_disk(stack, "size=8m,mode=1777", 0) as container:

        def read_records() -> list[dict[str, Any]]:
            lines = within(stack, container, "sh", "-c", f"cat {LOGS}/api.log 2>/dev/null || true").splitlines()
            whole = [one for line in lines if (one := record(line))]
            # Allow two invalid lines, because the full disk can truncate one line of each worker.
            assert len(lines) - len(whole) <= 2
            return whole

        def while_asking(condition: Callable[[], Any]) -> Any:
            ask_all(stack, credentials, 8)
            return condition()

        wait_until(lambda: while_asking(read_records))
        fill = f"dd if=/dev/zero of={LOGS}/filler bs=64k 2>/dev/null; df {LOGS} | tail -1"
        assert "100%" in within(stack, container, "sh", "-c", fill)
        wait_until(lambda: while_asking(lambda: readiness(stack, container)["log_lines_lost"]))
        wait_until(lambda: inbox.mails(LOSING))
        wait_until(lambda: count_printed(stack, sentence) > printed)
        within(stack, container, "rm", f"{LOGS}/filler")
        resumed = wait_until(
            lambda: while_asking(lambda: [r for r in read_records() if r["event"] == "log lines lost"])
        )
        assert 0 < resumed[0]["lines"]
        wait_until(lambda: count_printed(stack, f"{WRITING}: {LOGS}/api.log: {resumed[0]['lines']} lost"))
    mails = wait_until(lambda: len(inbox.mails(LOSING)) > 1 and inbox.mails(LOSING))
    own = f"[tax-service on {os.uname().nodename}] log not written"
    subjects = [own, f"{own} [recovered]"]
    assert subjects == sorted(mail["Subject"] for mail in mails), (
        "both workers must share one alert mail and one recovery mail"
    )


def test_a_log_folder_that_becomes_read_only_loses_no_line(stack: Stack, credentials: str) -> None:
    """If the log folder becomes read-only, the workers still write to their open log file, and no line is lost."""
    with own_disk(stack, "ro", 1):
        requests = ask_all(stack, credentials, 200)
    assert requests <= written_ids(stack)


def is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def test_requests_succeed_with_a_full_disk_of_nginx_logs(stack: Stack, credentials: str) -> None:
    """If the disk of nginx's logs is full, every request succeeds, and nginx resumes logging after space is added."""
    (nginx,) = stack.containers("nginx")
    with mount_disk(stack, nginx, NGINX_LOGS, "size=16k,mode=1777") as container:

        def is_full() -> bool:
            ask_all(stack, credentials, 32)
            return "100%" in within(stack, container, "df", NGINX_LOGS)

        def is_logged() -> bool:
            requests = ask_all(stack, credentials, 8)
            lines = within(stack, container, "cat", f"{NGINX_LOGS}/access.log").split("\n")[:-1]
            whole = [json.loads(line) for line in lines if is_json(line)]
            assert 1 >= len(lines) - len(whole), "only the truncated line can be invalid"
            return requests <= {record["request_id"] for record in whole}

        wait_until(is_full)
        ask_all(stack, credentials, 200)
        assert 1 == stack.healthy("nginx")
        mount(stack, nginx["State"]["Pid"], "mount", "-o", "remount,size=1m", NGINX_LOGS)
        wait_until(is_logged)
    wait_until(lambda: ask_all(stack, credentials, 8) <= {r["request_id"] for r in stack.records("nginx/access.log")})

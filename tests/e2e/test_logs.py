"""Tests of log rotation and of masked amounts. A rotation must not lose, duplicate or truncate a line."""

import json
import re
import threading
import time
from collections import Counter
from typing import Any

import pytest

from income_tax.log_rotation import RENAMED
from tests.support.budget import budget
from tests.support.service import TEXT_LINE
from tests.support.stack import Stack
from tests.support.waiting import wait_until

REQUESTS = budget(6_000, 20_000)
BETWEEN_ROTATIONS = REQUESTS // 10  # minimum number of new lines in the API's log
ROTATIONS = 3
KEPT = 4  # default number of archives that the rotation keeps
RATE = 600  # requests per second, so low that the flood lasts longer than all rotations


def all_lines(stack: Stack, log: str) -> list[str]:
    """Return the lines of a log and of all its archives."""
    read = f"cat $(ls /logs/{log}.2* 2>/dev/null) /logs/{log}"
    return stack.output("nginx", "sh", "-c", read).split("\n")[:-1]


def archives(stack: Stack, log: str) -> list[str]:
    """Return the paths of a log's archives, oldest first."""
    return sorted(stack.output("nginx", "sh", "-c", f"ls /logs/{log}.2* 2>/dev/null || true").split())


def flood_and_rotate(stack: Stack) -> None:
    """Run a flood, and rotate the logs three times during the flood."""
    finished: list[str] = []
    load = ("load", f"REQUESTS={REQUESTS}", f"RATE={RATE}")
    flood = threading.Thread(target=lambda: finished.append(stack.make(*load)))
    flood.start()
    try:
        for _ in range(ROTATIONS):
            enough = stack.count("api/api.log") + BETWEEN_ROTATIONS
            wait_until(lambda enough=enough: not flood.is_alive() or stack.count("api/api.log") > enough)
            assert "api.log" in stack.make("rotate")
    finally:  # waits for the flood's end, because later tests would otherwise count the flood's lines
        flood.join()
    assert f"{REQUESTS} right, 0 wrong, 0 failed" in finished[0]


def records(stack: Stack, log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in all_lines(stack, log)]


def count_answers(stack: Stack) -> Counter[str]:
    """Return a mapping from each request id to the number of responses in the client's log."""
    return Counter(r["request_id"] for r in records(stack, "client/client.log") if r["event"] == "answer")


@pytest.mark.profile("clients")
def test_rotation_loses_no_record(stack: Stack) -> None:
    """After three rotations during a flood, the logs of nginx, API and client contain each request exactly once."""
    stack.make("rotate")
    before, old = count_answers(stack), archives(stack, "api/api.log")
    flood_and_rotate(stack)
    new = dict(count_answers(stack) - before)
    nginx = Counter(r["request_id"] for r in records(stack, "nginx/access.log") if r["port"] == 8080)
    api = Counter((r["request_id"], r["event"]) for r in records(stack, "api/api.log") if "request_id" in r)
    assert (REQUESTS, {1}) == (len(new), set(new.values()))
    assert new == {request_id: nginx[request_id] for request_id in new}
    assert new == {request_id: api[request_id, "request"] for request_id in new}
    assert new == {request_id: api[request_id, "answer"] for request_id in new}
    now = archives(stack, "api/api.log")
    assert ROTATIONS == len(set(now) - set(old))
    assert now == [*old, *sorted(set(now) - set(old))][-KEPT:]


@pytest.mark.profile("masked")
def test_large_logs_are_rotated_automatically(stack: Stack) -> None:
    """The stack automatically rotates logs larger than LOG_MAX_SIZE, and keeps LOG_KEEP archives of each log."""
    seen: dict[str, set[str]] = {log: set() for log in RENAMED}

    def many() -> bool:
        # Write two megabytes to the API's log, and almost one megabyte to each of the two other logs.
        stack.make("load", "REQUESTS=3000")
        for log in RENAMED:
            now = archives(stack, log)
            assert len(now) <= 3, "at most one archive can wait for its deletion"
            seen[log].update(now)
        return len(seen["api/api.log"]) >= 5 and all(len(names) >= 3 for names in seen.values())

    wait_until(many)
    wait_until(lambda: [2, 2, 2] == [len(archives(stack, log)) for log in RENAMED])
    for log, names in seen.items():
        assert sorted(names)[-1] <= archives(stack, log)[-1]


def count_ids(lines: list[str], words: str) -> Counter[str]:
    """Return a mapping from each request id at the end of a line to the number of its lines that contain `words`."""
    return Counter(line.rpartition("(")[2].removesuffix(")") for line in lines if words in line)


@pytest.mark.profile("text")
def test_rotation_of_text_logs(stack: Stack) -> None:
    """After rotations of text logs, every line is complete, and the three logs contain all lines of each request."""
    flood_and_rotate(stack)
    client, lines = all_lines(stack, "client/client.log"), all_lines(stack, "api/api.log")
    assert [] == [line for line in client + lines if not TEXT_LINE.match(line)]
    sent = count_ids(client, ": [flood] answer: 200 in ")
    assert (REQUESTS, {1}) == (len(sent), set(sent.values()))
    nginx = Counter(r["request_id"] for r in records(stack, "nginx/access.log") if r["port"] == 8080)
    begun, ended = count_ids(lines, ": [index] request: "), count_ids(lines, ": [index] answer: 200 ")
    assert [dict(sent)] * 3 == [{one: found[one] for one in sent} for found in (nginx, begun, ended)]


def everywhere(stack: Stack, words: str) -> set[str]:
    """Return the log and spool files that contain a text. For an archive, return the name of its log."""
    find = ("sh", "-c", f"grep -rl '{words}' /logs /state/alerts || true")
    names = stack.output("api", *find).split()
    return {re.sub(r"\.log\..*", ".log", name) for name in names}


def too_large(stack: Stack, amount: str) -> int:
    """Send a request whose body exceeds the limit, and return the status. Nginx logs such a request as an error."""
    head = f"POST /?salary={amount} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {1 << 40}\r\n\r\n"
    return stack.raw(head.encode()).status


# Maps each request target to the target that nginx logs with MASK_AMOUNTS=on.
ADDRESSES = {
    "/?salary=246813579": "/?[masked]",
    "/?salary=246813579&marié=oui": "/?[masked]",
    "/?salary=٢٤٦٨١٣٥٧٩": "/?[masked]",
    "/%3Fsalary=246813579": "/[masked]",
    "/salary/246813579?x": "/salary/[masked]",
    "/health/live?": "/health/live?[masked]",
    "/health/live": "/health/live",
}


def list_logged_targets(stack: Stack) -> list[str]:
    """Request each target in ADDRESSES unchanged, and return the targets in nginx's log."""
    ids = [f"address-{number}-{time.time_ns()}" for number in range(len(ADDRESSES))]
    for target, request_id in zip(ADDRESSES, ids, strict=True):
        stack.raw(
            f"GET {target} HTTP/1.1\r\nHost: x\r\nX-Request-ID: {request_id}\r\nConnection: close\r\n\r\n".encode()
        )

    def find_uris() -> list[str] | None:
        uris = {record["request_id"]: record["uri"] for record in records(stack, "nginx/access.log")}
        # Return None until nginx has logged all requests, because nginx logs a request only after its response.
        return [uris[request_id] for request_id in ids] if {*ids} <= {*uris} else None

    return wait_until(find_uris)


def test_amounts_are_logged(stack: Stack) -> None:
    """With default settings nginx logs the target of a request, including the amounts in the target."""
    assert 413 == too_large(stack, "761943805")
    wait_until(lambda: {"/logs/nginx/access.log", "/logs/nginx/error.log"} == everywhere(stack, "761943805"))


@pytest.mark.profile("masked")
def test_amounts_can_be_masked(stack: Stack) -> None:
    """With MASK_AMOUNTS=on the logs, alert mails and spool files contain no salary or tax."""
    credentials = stack.credentials
    answer = stack.get("/?marie=oui&enfants=3&salaire=418877263", credentials)
    assert 400 == stack.get("/?marie=oui&enfants=3&salaire=639151478x", credentials).status
    assert 413 == too_large(stack, "872396154")
    assert [*ADDRESSES.values()] == list_logged_targets(stack)
    assert 500 == stack.get("/drill?salary=954327618", credentials).status
    mails = wait_until(lambda: stack.mails("/drill?salary=*"))
    stack.make("calculate")
    client = [r for r in records(stack, "client/client.log") if r["event"].startswith("calculation")][-22:]
    mine = [line for line in all_lines(stack, "api/api.log") if answer.request_id in line]
    sent = ("418877263", "639151478", "872396154", "954327618", "246813579", "٢٤٦٨١٣٥٧٩")
    kept = {amount: everywhere(stack, amount) for amount in sent}
    assert (200, 2) == (answer.status, len(mine))
    tax = str(answer.body["response"]["result"]["tax"])
    assert [] == [line for line in mine if tax in line]
    assert {amount: set() for amount in sent} == kept
    assert [] == [mail for mail in mails if "954327618" in mail.as_string()]
    # Exclude ids, times, hosts and process ids, because they can contain any digits.
    told = [json.dumps({n: v for n, v in r.items() if n not in ("request_id", "time", "host", "pid")}) for r in client]
    assert [] == [record for record in told if "55555" in record or "2814" in record]

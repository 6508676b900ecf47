"""Tests of schedule updates: simultaneous reload by all replicas, rejection, backup and restore."""

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.inbox import Inbox
from tests.support.service import Answer
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("operations")
TARGET = "/?married=yes&children=3&salary=200000"
FIGURES = "db/init/schedules.json"


def ask_many(stack: Stack, credentials: str) -> list[Answer]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: stack.get(TARGET, credentials), range(40)))


def facts(answers: list[Answer]) -> set[tuple[str, int]]:
    """Return the distinct pairs of version and tax in the responses."""
    return {(a.headers["x-schedules-version"], a.body["response"]["result"]["tax"]) for a in answers}


def set_cap(stack: Stack, euros: str) -> None:
    """Change the cap on a half-share in the stack's data file."""
    path = stack.folder / FIGURES
    data = json.loads(path.read_text())
    data["schedules"]["v7"]["cap_half_share"]["value"] = euros
    path.write_text(json.dumps(data))


@dataclass(frozen=True)
class Timed:
    """The version and tax in a response, with the start and end times of the request in seconds."""

    began: float
    ended: float
    facts: tuple[str, int]


@contextmanager
def asking(stack: Stack, credentials: str) -> Iterator[list[Timed]]:
    """Run four clients with at most 200 requests per second in total, and yield the growing list of responses."""
    answers: list[Timed] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.02):
            began = time.monotonic()
            (found,) = facts([stack.get(TARGET, credentials)])
            answers.append(Timed(began, time.monotonic(), found))

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask) for _ in range(4)]
        try:
            yield answers
        finally:
            over.set()
        for client in clients:
            client.result()


def reload_under_traffic(stack: Stack, credentials: str, old: tuple[str, int]) -> tuple[str, int]:
    """Run `make reload` under traffic, and return the new version and tax.

    Assert that every request that began after the first new response gets the new version and tax.
    """
    with asking(stack, credentials) as answers:
        wait_until(lambda: len(answers) > 20)
        stack.make("reload")
        enough = len(answers) + 100
        wait_until(lambda: len(answers) > enough)
    new = [answer for answer in answers if answer.facts != old]
    first = min(answer.ended for answer in new)
    assert {new[0].facts} == {answer.facts for answer in answers if answer.began > first}
    assert {old, new[0].facts} == {answer.facts for answer in answers}
    return new[0].facts


@pytest.mark.both_databases
def test_reload_changes_all_replicas_at_once(stack: Stack) -> None:
    """During traffic `make reload` changes the schedules of all replicas simultaneously."""
    credentials, usual = stack.credentials, (stack.folder / FIGURES).read_text()
    ((version, tax),) = facts(ask_many(stack, credentials))
    try:
        set_cap(stack, "1000")
        new_version, new_tax = reload_under_traffic(stack, credentials, (version, tax))
    finally:
        (stack.folder / FIGURES).write_text(usual)
        stack.make("reload")
    assert (42842, True) == (tax, new_tax > tax)
    assert version != new_version
    assert {(version, tax)} == facts(ask_many(stack, credentials))
    logged = {r["schedules"] for r in stack.records("api/api.log", holding='"schedules"') if r["event"] == "answer"}
    assert {version, new_version} <= logged


def test_incomplete_tax_data_is_rejected(stack: Stack) -> None:
    """`make reload` rejects an incomplete data file, mails the name of the missing constant, and changes no schedule.

    A later reload of the complete file mails the recovery.
    """
    credentials, usual, inbox = stack.credentials, (stack.folder / FIGURES).read_text(), Inbox(stack)
    before = facts(ask_many(stack, credentials))
    data = json.loads(usual)
    del data["schedules"]["v7"]["cap_half_share"]
    try:
        (stack.folder / FIGURES).write_text(json.dumps(data))
        refused = stack.run("make", "reload")
    finally:
        (stack.folder / FIGURES).write_text(usual)
    assert 2 == refused.returncode
    assert "the schedules are unchanged" in refused.stderr
    assert "constants missing: cap_half_share" in refused.stderr
    assert before == facts(ask_many(stack, credentials))
    wait_until(lambda: inbox.mails("constants missing: cap_half_share"))
    stack.make("reload")
    wait_until(lambda: [mail for mail in inbox.mails() if str(mail["Subject"]).endswith("[recovered]")])


@pytest.mark.both_databases
def test_bad_database_keeps_the_old_schedules(stack: Stack) -> None:
    """If the database is incomplete, the API keeps its schedules after a reload and a restart, and mails an alert."""
    credentials, inbox = stack.credentials, Inbox(stack)
    before = facts(ask_many(stack, credentials))
    owner = "PGPASSWORD=$(cat /run/secrets/db_owner_password) psql -h 127.0.0.1 -U tax_owner tax -c"
    if stack.database == "mysql":
        owner = "MYSQL_PWD=$(cat /run/secrets/db_owner_password) mysql -h 127.0.0.1 -u tax_owner tax -e"
    delete = "DELETE FROM constants WHERE name = 'cap_half_share'"
    stack.output("db", "sh", "-c", f'{owner} "{delete}"')
    try:
        refused = stack.execute("api", "sh", "-c", 'python -m income_tax reload "$DB"')
        assert 2 == refused.returncode
        assert "the schedules are unchanged" in refused.stderr
        assert before == facts(ask_many(stack, credentials))
        wait_until(lambda: inbox.mails("constants missing: cap_half_share"))
        stack.restart_api()
        assert before == facts(ask_many(stack, credentials))
    finally:
        stack.make("reload")
    assert before == facts(ask_many(stack, credentials))


@pytest.mark.both_databases
@pytest.mark.usefixtures("turn")
def test_backup_and_restore_in_a_new_project(stack: Stack, tmp_path: Path) -> None:
    """A new project that restores a backup returns the backup's version and tax, even after another `make up`."""
    backed_up = facts(ask_many(stack, stack.credentials))
    backup = stack.folder / stack.make("backup").strip()
    other = Stack.create(tmp_path, stack.database)
    set_cap(other, "1234.5")
    try:
        other.make("up", f"DB={stack.database}", "REPLICAS=1")
        assert backed_up != facts(ask_many(other, other.credentials))
        other.make("restore", f"FILE={backup}")
        assert backed_up == facts(ask_many(other, other.credentials))
        other.make("up")
        assert backed_up == facts(ask_many(other, other.credentials))
    finally:
        other.make("clean")


def test_a_killed_load_is_reported_truly(stack: Stack) -> None:
    """If the load is killed after it wrote, `make restore` loads the written tax data into all replicas and says so."""
    ((version, tax),) = facts(ask_many(stack, stack.credentials))
    data = json.loads((stack.folder / FIGURES).read_text())
    data["schedules"]["v7"]["cap_half_share"]["value"] = "1000"
    (stack.folder / "changed.json").write_text(json.dumps(data))
    docker = stack.folder / "bin/docker"
    docker.parent.mkdir()
    # Run the load, but report that a signal has killed it.
    real = stack.run("sh", "-c", "command -v docker").stdout.strip()
    docker.write_text(
        f'#!/bin/sh\ncase "$*" in *tax-seed-*" seed seed "*) {real} "$@"; exit 137 ;; esac\nexec {real} "$@"\n'
    )
    docker.chmod(0o755)
    path = f"{docker.parent}:{os.environ['PATH']}"
    try:
        killed = stack.run("make", "restore", "FILE=changed.json", PATH=path)
        ((new_version, new_tax),) = facts(ask_many(stack, stack.credentials))
    finally:
        stack.make("reload")
    assert 2 == killed.returncode
    assert f"the database contains the schedules {new_version}, and all replicas use them now" in killed.stderr
    assert (True, True) == (new_version != version, new_tax > tax)
    assert {(version, tax)} == facts(ask_many(stack, stack.credentials))

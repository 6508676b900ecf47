"""New schedules: taken in by all replicas at once or not at all; backed up and restored."""

import json
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
    """Version and tax of the answers."""
    return {(a.headers["x-schedules-version"], a.body["response"]["result"]["tax"]) for a in answers}


def set_cap(stack: Stack, euros: str) -> None:
    """Change the cap on a half-share in the data file."""
    path = stack.folder / FIGURES
    data = json.loads(path.read_text())
    data["schedules"]["v7"]["cap_half_share"]["value"] = euros
    path.write_text(json.dumps(data))


@dataclass(frozen=True)
class Timed:
    """An answer, and when its request was begun and it was whole, in seconds."""

    began: float
    ended: float
    facts: tuple[str, int]


@contextmanager
def asking(stack: Stack, credentials: str) -> Iterator[list[Timed]]:
    """Four clients that ask one question after the other, 200 times a second at most, and their answers so far."""
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
    """`make reload` while requests go on: old figures until the first new answer, from then on new ones alone."""
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
    """Under traffic `make reload` changes all replicas at the same moment, with their version; and back."""
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


def test_bad_figures_are_refused(stack: Stack) -> None:
    """A data file that lacks a figure is refused by name, also by mail, and nothing changes; a good one ends that."""
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
    """When the database's figures are incomplete, a reload keeps the old ones, on a restart too, and mails an alert."""
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
def test_backup_and_restore_in_a_new_project(stack: Stack, tmp_path: Path) -> None:
    """Figures backed up in one project and restored in a new one give the same version and results; `up` keeps them."""
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

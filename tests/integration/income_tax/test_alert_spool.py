"""Tests of the spool file: concurrent processes, forks, locks and damage."""

import json
import multiprocessing
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from income_tax.alerts import alert_thread
from income_tax.alerts.alert import Alert, Kind, Summary
from income_tax.alerts.alert_thread import AlertThread
from income_tax.alerts.incident_policy import AlertRules, MailType
from income_tax.alerts.mail_delivery import MailDelivery
from income_tax.alerts.mail_message import build_message
from income_tax.alerts.spool import Spool
from income_tax.service_log import build_logger
from income_tax.storage import sqlite_store
from tax_common.files import ProcessLock
from tests.support.fakes import DEPLOYMENT, FakeMailer, Lines
from tests.support.waiting import wait_until

ALERT = Alert("request", Summary.REQUEST_FAILED, {}, "abc12345", {}, "place", "/")
REPORTS = 50


def report_many(path: Path) -> None:
    sqlite_store.TIMEOUT = 60  # prevents a failure of the test on a slow disk
    spool = Spool(path)
    for _ in range(REPORTS):
        spool.report(ALERT, 1.0)


def test_simultaneous_processes_count_each_failure_once(tmp_path: Path) -> None:
    """If several processes create the spool and report failures simultaneously, the spool counts each failure once."""
    path = tmp_path / "alerts/spool.sqlite"
    processes = [multiprocessing.get_context("spawn").Process(target=report_many, args=[path]) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [0] * 4 == [process.exitcode for process in processes]
    (incident,) = Spool(path).open_incidents()
    assert 4 * REPORTS == incident.total
    assert 5 == len(json.loads(incident.request_ids))
    assert 0o700 == path.parent.stat().st_mode & 0o777


def test_spool_works_in_parent_and_child_after_a_fork(tmp_path: Path) -> None:
    """After a fork the parent and the child can both use a spool that the parent opened before the fork."""
    spool = Spool(tmp_path / "spool.sqlite")
    spool.report(ALERT, 1.0)
    child = os.fork()
    if not child:
        spool.report(ALERT, 2.0)
        os._exit(0)
    assert (child, 0) == os.waitpid(child, 0)
    spool.report(ALERT, 3.0)
    (incident,) = spool.open_incidents()
    assert 3 == incident.total


def test_one_process_holds_the_sender_lock(tmp_path: Path) -> None:
    """Only one process at a time holds the sender lock, and a forked child does not inherit the lock."""
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    assert (True, False, True) == (first.try_acquire(), second.try_acquire(), first.try_acquire())
    child = os.fork()
    if not child:
        os._exit(int(first.try_acquire()))
    assert (child, 0) == os.waitpid(child, 0)
    assert not second.try_acquire()
    first.release()
    assert second.try_acquire()


@pytest.fixture
def parts(tmp_path: Path) -> tuple[AlertThread, FakeMailer, Lines]:
    """Build a background sender with a spool in `tmp_path`. Return the sender, its mailer and its log lines."""
    lines, mailer = Lines(), FakeMailer()
    log = build_logger("api", lines.write, "json", "info")
    sender = MailDelivery(mailer, AlertRules(wait=0), DEPLOYMENT, tmp_path / "dead", log)
    return (
        AlertThread(Spool(tmp_path / "spool.sqlite"), ProcessLock(tmp_path / "lock"), sender, log),
        mailer,
        lines,
    )


Parts = tuple[AlertThread, FakeMailer, Lines]


def events(lines: Lines) -> list[str]:
    return [json.loads(line)["event"] for line in lines.written]


def test_failures_of_a_locked_spool_are_counted_later(
    tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a failure occurs while the spool is locked, the sender spools it later, and one mail counts all failures."""
    monkeypatch.setattr(sqlite_store, "TIMEOUT", 0.05)
    alerts, mailer, lines = parts
    alerts.send(ALERT)
    with closing(sqlite3.connect(tmp_path / "spool.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        alerts.send(ALERT)
        assert ["alert not spooled"] == events(lines)
        other.execute("ROLLBACK")
    monkeypatch.undo()
    alerts.send(ALERT)
    alerts.wait_until_idle(60)
    alerts.close(60)
    assert ["failures in all: 3"] == [
        line for letter in mailer.sent for line in letter.body.splitlines() if line.startswith("failures in all")
    ]


@pytest.mark.usefixtures("hasty")
def test_a_spool_that_stays_locked_is_replaced_by_memory(tmp_path: Path, parts: Parts) -> None:
    """While the spool is locked, the background sender mails alerts from memory and counts each failure once."""
    alerts, mailer, _ = parts
    alerts.send(ALERT)
    with locked(tmp_path / "spool.sqlite"):
        alerts.send(ALERT)
        alerts.start()
        wait_until(lambda: mailer.sent)
    alerts.wait_until_idle(60)
    alerts.close(60)
    assert ["failures in this mail: 1"] * 2 == [
        line for letter in mailer.sent for line in letter.body.splitlines() if line.startswith("failures in this mail")
    ]


def test_spool_of_an_older_version_is_used(tmp_path: Path) -> None:
    """If an older service created the spool without the column `recipients`, pending mails go to all recipients."""
    path = tmp_path / "spool.sqlite"
    spool = Spool(path)
    spool.report(ALERT, 1.0)
    (incident,) = spool.open_incidents()
    spool.queue_mail(
        incident.id, lambda current: (MailType.FIRST, build_message(current, MailType.FIRST, DEPLOYMENT, 1.0)), 1.0
    )
    spool.close()
    with closing(sqlite3.connect(path)) as older:
        older.execute("ALTER TABLE letters DROP COLUMN recipients")
    assert [replace(build_message(incident, MailType.FIRST, DEPLOYMENT, 1.0), id=1)] == Spool(path).find_due(1.0)


def test_damaged_spool_is_replaced_by_memory_until_its_removal(tmp_path: Path, parts: Parts) -> None:
    """The sender logs a damaged spool once and mails from memory, until the damaged file is removed."""
    path = tmp_path / "spool.sqlite"
    path.write_bytes(b"no database" * 1000)
    alerts, mailer, lines = parts
    alerts.send(ALERT)
    alerts.wait_until_idle(60)
    assert 1 == len(mailer.sent)
    assert 1 == events(lines).count("alert spool error")
    path.rename(tmp_path / "damaged")
    alerts.send(ALERT)
    alerts.wait_until_idle(60)
    alerts.close(60)
    assert 2 == len(mailer.sent)
    assert 1 == alerts.count_mails()["sent"]


def failure(kind: Kind) -> Alert:
    return Alert.for_service(kind, Summary.DATABASE_LOST, "a reason")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the spool from another connection while the block runs."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the spool's timeout, and remove the pause after a spool error."""
    monkeypatch.setattr(sqlite_store, "TIMEOUT", 0.05)
    monkeypatch.setattr(alert_thread, "PAUSE", 0.0)


def recovered(mailer: FakeMailer) -> set[str]:
    """Return the kinds of failure whose recovery was mailed."""
    return {letter.kind for letter in mailer.sent if letter.suffix == " [recovered]"}


@pytest.mark.usefixtures("hasty")
def test_recoveries_are_mailed_after_the_lock(tmp_path: Path, parts: Parts) -> None:
    """After the lock of the spool ends, the sender mails exactly the recoveries that occurred during the lock."""
    alerts, mailer, lines = parts
    for kind in ("startup", "database", "log"):
        alerts.send(failure(kind))
    with locked(tmp_path / "spool.sqlite"):
        alerts.resolve("startup")
        alerts.resolve("database")
        assert ["alert spool error"] == events(lines)
    alerts.wait_until_idle(60)
    alerts.close(60)
    assert {"startup", "database"} == recovered(mailer)


@pytest.mark.usefixtures("hasty")
def test_a_new_failure_cancels_a_recovery(tmp_path: Path, parts: Parts) -> None:
    """If a failure occurs before the spool records a recovery, the incident continues without a recovery mail."""
    alerts, mailer, _ = parts
    alerts.send(failure("database"))
    with locked(tmp_path / "spool.sqlite"):
        alerts.resolve("database")
    alerts.send(failure("database"))
    alerts.wait_until_idle(60)
    alerts.close(60)
    assert (set(), 2) == (recovered(mailer), Spool(tmp_path / "spool.sqlite").open_incidents()[0].total)


def test_recoveries_are_mailed_from_memory(tmp_path: Path, parts: Parts) -> None:
    """If the spool cannot be opened, the sender mails recoveries from memory."""
    (tmp_path / "spool.sqlite").mkdir()
    alerts, mailer, _ = parts
    kinds: list[Kind] = ["database", "log"]
    for kind in kinds:
        alerts.send(failure(kind))
    alerts.wait_until_idle(60)
    for kind in kinds:
        alerts.resolve(kind)
    alerts.close(60)
    assert {"database", "log"} == recovered(mailer)

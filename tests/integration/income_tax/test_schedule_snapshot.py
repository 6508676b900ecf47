"""The schedule snapshot on disk: locking, reloads, and reports of an invalid file."""

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import cast

import pytest

from income_tax.alerts.alert_sender import AlertSender
from income_tax.bootstrap.service_builders import build_engine, build_snapshot
from income_tax.service_log import build_logger
from income_tax.settings import read_settings
from income_tax.startup import read_schedules_or_exit
from income_tax.storage.schedule_snapshot import CurrentSchedules, ScheduleSnapshot
from income_tax.storage.schedule_tables import fetch_schedules
from income_tax.tax.schedule_parser import parse_schedules
from tax_common.files import write_atomically
from tests.support.data import schedules
from tests.support.fakes import Lines
from tests.support.service import COMMAND, environment, prepare, running_service
from tests.support.sessions import gone
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"


def test_each_bad_file_and_each_recovery_is_reported_once(tmp_path: Path) -> None:
    """Each invalid snapshot causes one report, and the next valid snapshot causes one report."""
    told: list[str] = []
    file = ScheduleSnapshot(tmp_path / "schedules.json")
    file.save(schedules().data)
    current = CurrentSchedules(file, schedules(), told.append, lambda reason: told.append("bad: " + reason[-20:]))
    assert (schedules().version, []) == (current.get().version, told)
    for _ in range(2):
        file.path.write_text("{")
        assert [schedules().version] * 2 == [current.get().version, current.get().version]
        file.save(schedules().data)
        assert [schedules().version] * 2 == [current.get().version, current.get().version]
    bad, good = told[0], schedules().version
    assert bad.startswith("bad: ")
    assert [bad, good, bad, good] == told


def test_invalid_snapshot_and_recovery_are_mailed(tmp_path: Path) -> None:
    """If the snapshot becomes invalid, the service keeps its schedules and mails the failure and the recovery."""
    with running_service(tmp_path, WORKERS="1") as service:
        version = service.get(TARGET).headers["x-schedules-version"]
        (path,) = (tmp_path / "state").glob("schedules-*.json")
        good = path.read_text()
        path.write_text("{")
        assert version == service.get(TARGET).headers["x-schedules-version"]
        assert "the snapshot is invalid" in service.mailbox.next().get_content()
        write_atomically(path, good)  # replaces the file atomically, so that the service never reads a truncated file
        wait_until(lambda: 200 == service.get(TARGET).status and not service.mailbox.empty())
        assert service.mailbox.next()["Subject"].endswith(" [recovered]")


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold the lock of a file, as another process would."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_simultaneous_refreshes_keep_the_newer_data(tmp_path: Path) -> None:
    """A second simultaneous refresh reads its data after the first refresh has saved, so that the newer data stays."""
    path = tmp_path / "schedules.json"
    reads, waits, go = Event(), Event(), Event()

    def read_slowly() -> dict[str, str]:
        reads.set()
        assert go.wait(60)
        return {"figures": "old"}

    def pause(_seconds: float) -> None:
        waits.set()
        go.wait(60)

    first = Thread(target=ScheduleSnapshot(path).refresh, args=[read_slowly])
    second = Thread(target=ScheduleSnapshot(path, pause=pause).refresh, args=[lambda: {"figures": "new"}])
    first.start()
    assert reads.wait(60)
    second.start()
    assert waits.wait(60)
    go.set()
    first.join()
    second.join()
    assert {"figures": "new"} == json.loads(path.read_text())


def test_refresh_returns_after_the_lock_timeout(tmp_path: Path) -> None:
    """If `refresh` cannot get the lock before its timeout, it returns the data and an error, and saves nothing."""
    file = ScheduleSnapshot(tmp_path / "schedules.json", timeout=0)
    with held(file.lock):
        data, trouble = file.refresh(lambda: {"figures": "new"})
    assert ({"figures": "new"}, False) == (data, file.exists())
    assert isinstance(trouble, TimeoutError)
    assert str(file.lock) in str(trouble)
    assert ({"figures": "new"}, None) == file.refresh(lambda: {"figures": "new"})


def test_a_start_succeeds_without_saving_the_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a starting service cannot lock the snapshot, it logs an event and uses the schedules from the database."""
    prepare(tmp_path)
    settings = read_settings(environment(tmp_path, 1))
    file, lines, over = ScheduleSnapshot(tmp_path / "schedules.json", timeout=0), Lines(), list[str]()
    monkeypatch.setattr("income_tax.startup.build_snapshot", lambda *_: file)
    alerts = cast(AlertSender, SimpleNamespace(resolve=over.append))
    with held(file.lock):
        read = read_schedules_or_exit(settings, "sqlite", build_logger("api", lines.write), alerts)
    events = [json.loads(line)["event"] for line in lines.written]
    assert ["schedule snapshot not saved", "successful database connection"] == events
    assert (schedules().version, ["database"], False) == (read.version, over, file.exists())


def has_open(pid: int, path: Path) -> bool:
    """Return whether a process has a file open."""
    try:
        return path in [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:  # the process closed the file during the search
        return False


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[int]:
    """Run a command of the service in a prepared folder, and yield its process id."""
    env = environment(folder, 1, BIND="127.0.0.1:0")
    with subprocess.Popen([*COMMAND, *arguments], env=env, start_new_session=True) as process:
        try:
            yield process.pid
        finally:
            if not gone(process.pid):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("arguments", [["reload", "sqlite"], ["sqlite"]], ids=["reload", "start"])
def test_the_database_is_read_under_the_lock(tmp_path: Path, arguments: list[str]) -> None:
    """A reloading service and a starting service read the database only while they hold the snapshot's lock."""
    prepare(tmp_path)
    settings = read_settings(environment(tmp_path, 1))
    file, engine = build_snapshot(settings, "sqlite"), build_engine(settings, "sqlite")
    file.save(fetch_schedules(engine))
    with ExitStack() as somebody, ExitStack() as commands:
        somebody.enter_context(held(file.lock))
        pid = commands.enter_context(running(tmp_path, *arguments))
        wait_until(lambda: has_open(pid, file.lock))
        with closing(sqlite3.connect(settings.db_file)) as database:
            database.execute("UPDATE constants SET value = value + 1 WHERE name = 'cap_half_share'")
            database.commit()
        version = parse_schedules(fetch_schedules(engine)).version
        assert version != file.read().version
        somebody.close()
        wait_until(lambda: version == file.read().version)

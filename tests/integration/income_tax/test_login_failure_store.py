"""The store of failed login attempts: concurrent writers, the size limit, damage and throttling."""

import multiprocessing
import subprocess
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from income_tax.storage import login_failure_store
from income_tax.storage.login_failure_store import Failures, LoginFailureStore
from tests.support.service import Service, running_service

TARGET = "/?married=yes&children=3&salary=200000"
WRITER = """
import sys
from pathlib import Path
from income_tax.storage import sqlite_store
from income_tax.storage.login_failure_store import LoginFailureStore
sqlite_store.TIMEOUT = 60
file = LoginFailureStore(Path(sys.argv[1]))
for number in range(250):
    file.add("ann", "192.0.2.1", float(number), 0.0)
"""


def test_processes_share_one_failure_count(tmp_path: Path) -> None:
    """If four processes create the store and record failures simultaneously, the store counts every failure."""
    path = tmp_path / "logins/failures.sqlite"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path)]) for _ in range(4)]
    assert [0] * 4 == [writer.wait(60) for writer in writers]
    assert 1000 == (LoginFailureStore(path).find("ann", "192.0.2.1") or Failures(0, 0)).count


FILES = 100


def create_files(folder: Path, barrier: Barrier) -> None:
    for number in range(FILES):
        barrier.wait(60)
        LoginFailureStore(folder / f"{number}.sqlite").add("ann", "192.0.2.1", 1.0, 0.0)


def test_processes_that_create_a_file_together_succeed(tmp_path: Path) -> None:
    """If four processes create the same file at the same moment, the file counts all four failures."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    processes = [context.Process(target=create_files, args=[tmp_path, barrier]) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [0] * 4 == [process.exitcode for process in processes]
    for number in range(FILES):
        assert Failures(4, 1.0) == LoginFailureStore(tmp_path / f"{number}.sqlite").find("ann", "192.0.2.1")


def test_old_failures_do_not_count(tmp_path: Path) -> None:
    """The count restarts at 1 after a long pause, and `clear` affects only one login name at one address."""
    file = LoginFailureStore(tmp_path / "f")
    file.add("ann", "a", 1.0, 0.0)
    file.add("ann", "a", 2.0, 0.0)
    file.add("ann", "b", 2.0, 0.0)
    assert Failures(2, 2.0) == file.find("ann", "a")
    file.add("ann", "a", 100.0, 50.0)
    assert Failures(1, 100.0) == file.find("ann", "a")
    file.clear("ann", "a")
    assert [None, Failures(1, 2.0)] == [file.find("ann", "a"), file.find("ann", "b")]


def test_the_store_is_limited_in_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store has a size limit, keeps only the newest failures, and contains no login name in plain text."""
    monkeypatch.setattr(login_failure_store, "ROWS", 50)
    file = LoginFailureStore(tmp_path / "f")
    for number in range(1000):
        file.add("secret" * 1000 + str(number), "a", float(number), 0.0)
    kept = [n for n in range(1000) if file.find("secret" * 1000 + str(n), "a")]
    assert list(range(950, 1000)) == kept
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"secret" not in stored
    assert (tmp_path / "f").stat().st_size < 500_000


def guesses(service: Service, count: int) -> list[int]:
    return [service.get(TARGET, f"client:guess{number}").status for number in range(count)]


def test_guesses_are_throttled_by_all_workers(tmp_path: Path) -> None:
    """After five failed attempts every worker returns a JSON 429 with Retry-After, even after a restart."""
    with running_service(tmp_path, WORKERS="3") as service:
        assert [401] * 5 == guesses(service, 5)
        file = LoginFailureStore(tmp_path / "state/logins/failures.sqlite")
        for _ in range(9):  # makes the throttling last until after the restart
            file.add("client", "127.0.0.1", time.time(), 0.0)
        assert [429] * 9 == guesses(service, 9)
        answer = service.get(TARGET)
        assert 429 == answer.status
        assert 1 <= int(answer.headers["retry-after"]) <= 300
        assert "Retry-After" in answer.errors[0]
        assert answer.request_id == answer.body["response"]["request_id"]
    with running_service(tmp_path) as service:
        assert 429 == service.get(TARGET).status
        assert 401 == service.get(TARGET, "somebody:else").status


def test_cached_credentials_are_not_throttled(tmp_path: Path) -> None:
    """The service accepts cached credentials even while it throttles the login name at the client's address."""
    with running_service(tmp_path, WORKERS="1") as service:
        assert 200 == service.get(TARGET).status
        assert [401] * 5 == guesses(service, 5)
        assert 429 in guesses(service, 5)
        assert [200] * 20 == [service.get(TARGET).status for _ in range(20)]


def test_a_damaged_file_does_not_block_credentials(tmp_path: Path) -> None:
    """If the store's file is not a database, the service logs a warning and accepts valid credentials."""
    (tmp_path / "state/logins").mkdir(parents=True)
    (tmp_path / "state/logins/failures.sqlite").write_bytes(b"rubbish" * 1000)
    with running_service(tmp_path, WORKERS="1") as service:
        assert [401] * 7 == guesses(service, 7)
        assert 200 == service.get(TARGET).status
        said = [record for record in service.log() if record["event"] == "failed logins are not counted"]
    assert ["warning"] == [record["level"] for record in said]

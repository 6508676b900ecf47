"""A store waits until a timeout while another process or thread uses the SQLite file."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from income_tax.storage import sqlite_store
from income_tax.storage.sqlite_store import SqliteStore

SCHEMA = "CREATE TABLE IF NOT EXISTS numbers (n INTEGER);"


def count(store: SqliteStore) -> int:
    with store.connect() as db:
        number: int = db.execute("SELECT count(*) FROM numbers").fetchone()[0]
    return number


def add(store: SqliteStore) -> None:
    with store.transaction() as db:
        db.execute("INSERT INTO numbers VALUES (1)")


def test_a_store_waits_for_another_transaction(tmp_path: Path) -> None:
    """A store waits until the transaction of another connection is committed, and then writes."""
    path = tmp_path / "numbers.sqlite"
    store = SqliteStore(path, SCHEMA)
    add(store)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=add, args=[store])
        thread.start()
        assert 1 == other.execute("SELECT count(*) FROM numbers").fetchone()[0]
        other.execute("COMMIT")
        thread.join()
    assert 2 == count(store)


def test_a_permanent_lock_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction on a locked file fails after the timeout and changes nothing. A retry after the unlock works."""
    monkeypatch.setattr(sqlite_store, "TIMEOUT", 0.05)
    path = tmp_path / "numbers.sqlite"
    store = SqliteStore(path, SCHEMA)
    add(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            add(store)
        other.execute("ROLLBACK")
    add(store)
    assert 2 == count(store)


def test_a_store_waits_for_a_thread_that_keeps_the_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If another thread of the process uses the connection, a thread waits until the timeout and then fails."""
    monkeypatch.setattr(sqlite_store, "TIMEOUT", 0.05)
    store, errors = SqliteStore(tmp_path / "numbers.sqlite", SCHEMA), list[str]()

    def try_to_add() -> None:
        try:
            add(store)
        except sqlite3.OperationalError as error:
            errors.append(str(error))

    thread = threading.Thread(target=try_to_add)
    with store.connect():
        thread.start()
        thread.join()
    assert [f"{tmp_path / 'numbers.sqlite'} is busy"] == errors
    add(store)
    assert 1 == count(store)

"""An SQLite file that processes and threads share: who may use it when, and what a fork does to it."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .sqlite_retry import acquired, patiently


class SqliteFile:
    """One connection a process, opened at its first use, for one thread at a time.

    `durable`: what is committed outlives a crash of the machine. `on_open` is handed each new connection.
    Every use raises sqlite3.Error or OSError when the file cannot be used, after twice `patience.PATIENCE` at most.
    """

    def __init__(
        self,
        path: Path | None,
        schema: str,
        *,
        durable: bool = True,
        on_open: Callable[[sqlite3.Connection], object] = lambda _: None,
    ) -> None:
        self._path = path  # None: in memory
        self._schema = schema
        self._durable = durable
        self._on_open = on_open
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0  # the process that opened it
        self._inherited: list[sqlite3.Connection] = []

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._discard()

    def _discard(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    @contextmanager
    def using(self) -> Iterator[sqlite3.Connection]:
        """The connection, for a read."""
        if not acquired(self._lock):
            raise sqlite3.OperationalError(f"{self._path} is busy")
        try:
            if self._connection and self._owner != os.getpid():
                self._inherited.append(self._connection)  # SQLite forbids to use or close it after a fork
                self._connection = None
            if self._connection is None:
                self._connection, self._owner = patiently(self._open), os.getpid()
            yield self._connection
        except sqlite3.Error:
            if self._path:  # the file may be mended or replaced by the next use
                self._discard()
            raise
        finally:
            self._lock.release()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection, for reads and writes that happen whole or not at all."""
        with self.using() as db:
            patiently(lambda: db.execute("BEGIN IMMEDIATE"))
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        if self._path:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds what was asked, or who
        db = sqlite3.connect(self._path or ":memory:", 0.01, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
            db.executescript(self._schema)
            self._on_open(db)
        except BaseException:
            db.close()
            raise
        return db

"""An SQLite file that several processes and threads share."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tax_common.backoff import Backoff, retry

# Seconds that a process or a thread waits for another transaction. In a measurement, 4 to 16 processes ran 50
# transactions each, and two busy loops used the CPU. With a timeout of 2 seconds, 36 of 7,000 transactions failed. With
# 5 seconds, none failed.
TIMEOUT = 5.0
# Delays between attempts to switch a new file to write-ahead logging. The store retries, because SQLite does not wait
# for another process that switches the file simultaneously.
SWITCH_RETRIES = Backoff(first=0.001, longest=0.05)


class SqliteStore:
    """A store with one connection per process. The first use opens the connection. Only one thread at a time uses it.

    The data of a `durable` store survives a crash of the machine. `on_open` receives each new connection.
    If the file cannot be used, every use raises sqlite3.Error or OSError after at most twice TIMEOUT.
    """

    def __init__(
        self,
        path: Path | None,
        schema: str,
        *,
        durable: bool = True,
        on_open: Callable[[sqlite3.Connection], object] = lambda _: None,
    ) -> None:
        self._path = path  # None for a store in memory
        self._schema = schema
        self._durable = durable
        self._on_open = on_open
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0  # the ID of the process that opened the connection
        self._inherited: list[sqlite3.Connection] = []

    def close(self) -> None:
        """Close the file. The next use reopens the file."""
        with self._lock:
            self._discard()

    def _discard(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for reading."""
        if not self._lock.acquire(timeout=TIMEOUT):
            raise sqlite3.OperationalError(f"{self._path} is busy")
        try:
            if self._connection and self._owner != os.getpid():
                # After a fork, SQLite forbids the child to use or close the connection, so keep a reference to it.
                self._inherited.append(self._connection)
                self._connection = None
            if self._connection is None:
                self._connection, self._owner = self._open(), os.getpid()
            yield self._connection
        except sqlite3.Error:
            if self._path:  # the next use reopens the file, which might be repaired or replaced by then
                self._discard()
            raise
        finally:
            self._lock.release()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for an atomic transaction of reads and writes."""
        with self.connect() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        if self._path:
            # Only the owner can open the folder, because the file contains personal data.
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        db = sqlite3.connect(self._path or ":memory:", TIMEOUT, isolation_level=None, check_same_thread=False)
        try:
            retry(lambda: db.execute("PRAGMA journal_mode = WAL"), TIMEOUT, SWITCH_RETRIES, is_busy)
            db.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
            db.executescript(self._schema)
            self._on_open(db)
        except BaseException:
            db.close()
            raise
        return db


def is_busy(error: Exception) -> bool:
    """Return whether the error means that another connection holds a lock on the file."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY

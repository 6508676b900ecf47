"""Failed login attempts, stored in an SQLite file that all worker processes and replicas on a host share."""

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from .sqlite_store import SqliteStore

ROWS = 100_000  # maximum number of rows (about 10 MB); the newest rows are kept
PRUNE_EVERY = 200  # insertions by a process between two deletions of old rows

SCHEMA = """
CREATE TABLE IF NOT EXISTS salt (one INTEGER PRIMARY KEY CHECK (one = 1), bytes BLOB NOT NULL);
INSERT OR IGNORE INTO salt VALUES (1, randomblob(32));
CREATE TABLE IF NOT EXISTS failures (who BLOB PRIMARY KEY, count INTEGER NOT NULL, last REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS failures_last ON failures (last);
"""
ADD = """
INSERT INTO failures VALUES (?, 1, ?) ON CONFLICT (who) DO UPDATE
SET count = CASE WHEN last < ? THEN 1 ELSE count + 1 END, last = excluded.last
"""
PRUNE = "DELETE FROM failures WHERE last < ? OR last < (SELECT last FROM failures ORDER BY last DESC LIMIT 1 OFFSET ?)"


@dataclass(frozen=True, slots=True)
class Failures:
    """The number of consecutive failed login attempts, and the Unix timestamp of the last failure."""

    count: int
    last: float


class LoginFailureStore:
    """The store of failed login attempts. Every method raises sqlite3.Error or OSError if the file cannot be used.

    The file contains salted digests instead of login names, because a user might type a password as the login name, and
    an attacker might send a login name of several megabytes. Recent failures can be lost if the machine crashes.
    """

    def __init__(self, path: Path) -> None:
        self._store = SqliteStore(path, SCHEMA, durable=False, on_open=self._read_salt)
        self._salt = b""
        self._added = 0

    def find(self, login: str, address: str) -> Failures | None:
        """Return the failures for this login name and network address, or None if no failure is stored."""
        with self._store.connect() as db:
            row = db.execute("SELECT count, last FROM failures WHERE who = ?", [self._digest(login, address)])
            found = row.fetchone()
        return Failures(*found) if found else None

    def add(self, login: str, address: str, now: float, forgotten: float) -> None:
        """Count a failure. Restart the count if the last failure is older than the timestamp `forgotten`."""
        with self._store.transaction() as db:
            db.execute(ADD, [self._digest(login, address), now, forgotten])
            self._added += 1
            if self._added % PRUNE_EVERY == 0:
                db.execute(PRUNE, [forgotten, ROWS - 1])

    def clear(self, login: str, address: str) -> None:
        """Delete the failures for this login name and network address."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM failures WHERE who = ?", [self._digest(login, address)])

    def _read_salt(self, db: sqlite3.Connection) -> None:
        (self._salt,) = db.execute("SELECT bytes FROM salt").fetchone()

    def _digest(self, login: str, address: str) -> bytes:
        message = f"{login}\0{address}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(message, key=self._salt, digest_size=16).digest()

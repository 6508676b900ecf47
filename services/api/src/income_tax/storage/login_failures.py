"""Failed logins, kept in a small SQLite file that all worker processes and replicas of this host share."""

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from .sqlite_store import SqliteFile

ROWS = 100_000  # kept at most, the newest; some 10 MB
PRUNED_EVERY = 200  # additions of a process between two looks at that

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
    """How often a login failed from an address in a row, and when it did last, in seconds since 1970."""

    count: int
    last: float


class FailureFile:
    """The file of failed logins. Every method raises sqlite3.Error or OSError when the file cannot be used.

    What it keeps of a login is a salted digest, because people type passwords where the login belongs, and attackers
    type megabytes. A crash of the machine may forget failures.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, SCHEMA, durable=False, on_open=self._read_salt)
        self._salt = b""
        self._added = 0

    def of(self, login: str, address: str) -> Failures | None:
        """The failures of a login from an address, None when there is none."""
        with self._file.using() as db:
            found = db.execute("SELECT count, last FROM failures WHERE who = ?", [self._who(login, address)]).fetchone()
        return Failures(*found) if found else None

    def add(self, login: str, address: str, now: float, forgotten: float) -> None:
        """Count a failure; those from before `forgotten` do not count any more."""
        with self._file.transaction() as db:
            db.execute(ADD, [self._who(login, address), now, forgotten])
            self._added += 1
            if self._added % PRUNED_EVERY == 0:
                db.execute(PRUNE, [forgotten, ROWS - 1])

    def clear(self, login: str, address: str) -> None:
        """Forget the failures of a login from an address."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM failures WHERE who = ?", [self._who(login, address)])

    def _read_salt(self, db: sqlite3.Connection) -> None:
        (self._salt,) = db.execute("SELECT bytes FROM salt").fetchone()

    def _who(self, login: str, address: str) -> bytes:
        message = f"{login}\0{address}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(message, key=self._salt, digest_size=16).digest()

"""The durable memory of alerts: an SQLite file that every process of this host shares."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from income_tax.storage.sqlite_store import SqliteFile

from .alert import Alert, Kind
from .incident_policy import LONGEST_PAUSE, Incident, Step, closes
from .mail_message import Letter

SAMPLES = 5  # request ids that a mail names
KEPT = 1000  # closed mails and incidents that stay in the file

SCHEMA = """
CREATE TABLE IF NOT EXISTS incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL,
    kind TEXT NOT NULL, place TEXT NOT NULL, route TEXT NOT NULL,
    total INTEGER NOT NULL DEFAULT 1, mailed INTEGER NOT NULL DEFAULT 0, mails INTEGER NOT NULL DEFAULT 0,
    first_seen REAL NOT NULL, last_seen REAL NOT NULL, last_mail REAL NOT NULL DEFAULT 0,
    resolved INTEGER NOT NULL DEFAULT 0, closed INTEGER NOT NULL DEFAULT 0,
    first TEXT NOT NULL, last TEXT NOT NULL, request_ids TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS open_incidents ON incidents (kind, place, route) WHERE NOT closed;
CREATE TABLE IF NOT EXISTS letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, incident INTEGER NOT NULL, name TEXT NOT NULL, suffix TEXT NOT NULL,
    body TEXT NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL, request_id TEXT NOT NULL,
    recipients TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL, state TEXT NOT NULL DEFAULT 'pending'
);
CREATE INDEX IF NOT EXISTS pending_letters ON letters (next_try) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS totals (state TEXT PRIMARY KEY, letters INTEGER NOT NULL);
"""

# One statement, so that a count is exact whatever else goes on.
ADD = f"""
INSERT INTO incidents (token, kind, place, route, total, first_seen, last_seen, resolved, first, last, request_ids)
VALUES (:token, :kind, :place, :route, :total, :first_seen, :last_seen, :resolved, :first, :last, :request_ids)
ON CONFLICT (kind, place, route) WHERE NOT closed DO UPDATE SET
    total = total + excluded.total, last_seen = excluded.last_seen, last = excluded.last,
    resolved = resolved AND excluded.resolved,
    request_ids = CASE WHEN :request_ids = '[]' OR json_array_length(request_ids) >= {SAMPLES} THEN request_ids
                  ELSE json_insert(request_ids, '$[#]', json_extract(:request_ids, '$[0]')) END
"""  # noqa: S608 - a number of this file

OPEN = """
SELECT id, token, kind, place, route, total, mailed, mails, first_seen, last_seen, last_mail, resolved,
       EXISTS (SELECT 1 FROM letters WHERE incident = incidents.id AND state = 'pending' AND recipients = ''),
       first, last, request_ids
FROM incidents WHERE NOT closed
"""

# A mail that would wait longer than any does was met by a clock that was set back.
DUE = f"state = 'pending' AND (next_try <= :now OR next_try > :now + {LONGEST_PAUSE})"

LETTER = "name, suffix, body, time, kind, request_id, recipients"
NAMED = ":" + LETTER.replace(", ", ", :")

Write = Callable[[Incident], tuple[Step, Letter] | None]


class Spool:
    """Incidents and the mails about them.

    Every method raises sqlite3.Error or OSError when the file cannot be used, and none waits long.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = SqliteFile(path, SCHEMA, on_open=add_recipients)  # a path of None is a spool in memory

    def report(self, alert: Alert, now: float) -> None:
        """Add a failure to its incident, or open one; on the disk when this returns."""
        token, stored = secrets.token_hex(8), alert.stored()
        ids = json.dumps([alert.request_id] if alert.request_id else [])
        route = token if alert.kind == "drill" else alert.route
        self._add(
            {"token": token, "kind": alert.kind, "place": alert.place, "route": route, "total": 1, "resolved": False}
            | {"first_seen": now, "last_seen": now, "first": stored, "last": stored, "request_ids": ids}
        )

    def absorb(self, incident: Incident) -> None:
        """Add the failures of another spool's incident, of which no mail has told."""
        self._add(asdict(incident))

    def _add(self, row: Mapping[str, object]) -> None:
        with self._file.transaction() as db:
            db.execute(ADD, row)

    def take_untold(self) -> list[Incident]:
        """Remove the open incidents of which no mail has told, for another spool."""
        with self._file.transaction() as db:
            untold = [Incident(*row) for row in db.execute(f"{OPEN} AND mails = 0")]
            db.execute("DELETE FROM incidents WHERE NOT closed AND mails = 0")
        return untold

    def resolve(self, kind: Kind) -> None:
        """What had failed this way works: its incidents are over."""
        with self._file.transaction() as db:
            db.execute("UPDATE incidents SET resolved = 1 WHERE kind = ? AND NOT closed", (kind,))

    def open_incidents(self) -> list[Incident]:
        """The incidents that go on."""
        with self._file.using() as db:
            return [Incident(*row) for row in db.execute(OPEN)]

    def queue(self, incident_id: int, write: Write, now: float) -> None:
        """Queue the mail that `write` makes of the incident, whose failures it then has counted."""
        with self._file.transaction() as db:
            row = db.execute(f"{OPEN} AND id = ?", (incident_id,)).fetchone()
            written = write(Incident(*row)) if row else None
            if written is None:
                return
            step, letter = written
            db.execute(
                f"INSERT INTO letters (incident, next_try, {LETTER}) VALUES (:incident, :now, {NAMED})",  # noqa: S608
                asdict(letter) | {"incident": incident_id, "now": now},
            )
            db.execute(
                "UPDATE incidents SET mailed = total, mails = mails + 1, last_mail = ?, request_ids = '[]', closed = ?"
                " WHERE id = ?",
                (now, closes(Incident(*row), step), incident_id),
            )

    def due(self, now: float) -> list[Letter]:
        """The mails to send now, oldest first."""
        with self._file.using() as db:
            query = f"SELECT {LETTER}, id, attempts FROM letters WHERE {DUE} ORDER BY id"  # noqa: S608
            return [Letter(*row) for row in db.execute(query, {"now": now})]

    def postpone(self, letter: Letter, now: float, pause: float, others: bool) -> None:
        """Try the mail again after a pause, for its recipients; the others too, when the server is what failed."""
        with self._file.transaction() as db:
            db.execute(
                "UPDATE letters SET attempts = attempts + 1, next_try = ?, recipients = ? WHERE id = ?",
                (now + pause, letter.recipients, letter.id),
            )
            if others:
                least, most = now + pause, now + LONGEST_PAUSE
                db.execute(
                    "UPDATE letters SET next_try = min(max(next_try, ?), ?) WHERE state = 'pending'", (least, most)
                )

    def close_letter(self, letter: Letter, state: str) -> None:
        """The mail is `sent` or `dead`; what was closed long ago is forgotten."""
        with self._file.transaction() as db:
            db.execute("UPDATE letters SET state = ?, body = '' WHERE id = ?", (state, letter.id))
            db.execute(
                "INSERT INTO totals VALUES (?, 1) ON CONFLICT (state) DO UPDATE SET letters = letters + 1", (state,)
            )
            db.execute("DELETE FROM letters WHERE state <> 'pending' AND id <= ?", (letter.id - KEPT,))
            db.execute(
                "DELETE FROM incidents WHERE closed AND id <= (SELECT max(id) FROM incidents) - ?",
                (KEPT,),
            )

    def counts(self) -> dict[str, int]:
        """How many mails are pending, and how many have ever been sent and refused."""
        with self._file.using() as db:
            counts = {"sent": 0, "dead": 0} | dict(db.execute("SELECT state, letters FROM totals").fetchall())
            (pending,) = db.execute("SELECT count(*) FROM letters WHERE state = 'pending'").fetchone()
            return {"pending": pending} | counts

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.close()


def add_recipients(db: sqlite3.Connection) -> None:
    """Give the file of an older service the column that it lacks."""

    def lacks() -> bool:
        return "recipients" not in {column[1] for column in db.execute("PRAGMA table_info(letters)")}

    if lacks():
        db.execute("BEGIN IMMEDIATE")
        if lacks():  # asked again: another process may have been first
            db.execute("ALTER TABLE letters ADD COLUMN recipients TEXT NOT NULL DEFAULT ''")
        db.execute("COMMIT")

"""The spool, a durable queue of incidents and mails. All processes of a host share its SQLite file."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import starmap
from pathlib import Path

from income_tax.storage.sqlite_store import SqliteStore

from .alert import Alert, Kind
from .incident_policy import Incident, MailType, closes_incident
from .mail_message import MailMessage

SAMPLES = 5  # maximum number of request ids in a mail
HISTORY = 1000  # number of closed mails that are kept, and number of closed incidents that are kept

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

# One statement adds a failure, so the count stays exact if several processes add failures simultaneously.
ADD = f"""
INSERT INTO incidents (token, kind, place, route, total, first_seen, last_seen, resolved, first, last, request_ids)
VALUES (:token, :kind, :place, :route, :total, :first_seen, :last_seen, :resolved, :first, :last, :request_ids)
ON CONFLICT (kind, place, route) WHERE NOT closed DO UPDATE SET
    total = total + excluded.total, last_seen = excluded.last_seen, last = excluded.last,
    resolved = resolved AND excluded.resolved,
    request_ids = CASE WHEN :request_ids = '[]' OR json_array_length(request_ids) >= {SAMPLES} THEN request_ids
                  ELSE json_insert(request_ids, '$[#]', json_extract(:request_ids, '$[0]')) END
"""  # noqa: S608 - SAMPLES is a constant of this module

OPEN = """
SELECT id, token, kind, place, route, total, mailed, mails, first_seen, last_seen, last_mail, resolved,
       EXISTS (SELECT 1 FROM letters WHERE incident = incidents.id AND state = 'pending' AND recipients = ''),
       first, last, request_ids
FROM incidents WHERE NOT closed
"""

# If the next try of a mail is more than LONGEST_DELAY away, the clock was set back. Such a mail is also due.
LONGEST_DELAY = 60.0  # maximum seconds between two attempts to send a mail
DUE = f"state = 'pending' AND (next_try <= :now OR next_try > :now + {LONGEST_DELAY})"

FIELDS = "name, suffix, body, time, kind, request_id, recipients"
PLACEHOLDERS = ":" + FIELDS.replace(", ", ", :")

BuildMail = Callable[[Incident], tuple[MailType, MailMessage] | None]


class Spool:
    """Incidents and the mails that report them.

    If the file cannot be used, every method raises sqlite3.Error or OSError within a few seconds.
    """

    def __init__(self, path: Path | None) -> None:
        self._store = SqliteStore(path, SCHEMA, on_open=migrate)  # in memory if `path` is None

    def report(self, alert: Alert, now: float) -> None:
        """Add a failure to its open incident, or open a new incident. The change is durable when the call returns."""
        token, stored = secrets.token_hex(8), alert.to_json()
        ids = json.dumps([alert.request_id] if alert.request_id else [])
        route = token if alert.kind == "drill" else alert.route  # a unique route gives each drill its own incident
        self._add(
            {"token": token, "kind": alert.kind, "place": alert.place, "route": route, "total": 1, "resolved": False}
            | {"first_seen": now, "last_seen": now, "first": stored, "last": stored, "request_ids": ids}
        )

    def merge_incident(self, incident: Incident) -> None:
        """Add an incident that was removed from another spool, where no mail had reported it."""
        self._add(asdict(incident))

    def _add(self, row: Mapping[str, object]) -> None:
        with self._store.transaction() as db:
            db.execute(ADD, row)

    def pop_unreported(self) -> list[Incident]:
        """Remove and return the open incidents that no mail has reported, so that another spool can merge them."""
        with self._store.transaction() as db:
            unreported = [Incident(*row) for row in db.execute(f"{OPEN} AND mails = 0")]
            db.execute("DELETE FROM incidents WHERE NOT closed AND mails = 0")
        return unreported

    def resolve(self, kind: Kind) -> None:
        """Mark the open incidents of a kind as resolved."""
        with self._store.transaction() as db:
            db.execute("UPDATE incidents SET resolved = 1 WHERE kind = ? AND NOT closed", (kind,))

    def open_incidents(self) -> list[Incident]:
        """Return the open incidents."""
        with self._store.connect() as db:
            rows = db.execute(OPEN).fetchall()
        return list(starmap(Incident, rows))

    def queue_mail(self, incident_id: int, build: BuildMail, now: float) -> None:
        """Queue the mail that `build` returns for the incident, and mark the incident's failures as counted.

        If `build` returns None, change nothing.
        """
        with self._store.transaction() as db:
            row = db.execute(f"{OPEN} AND id = ?", (incident_id,)).fetchone()
            if row is None or (built := build(incident := Incident(*row))) is None:
                return
            mail_type, mail = built
            db.execute(
                f"INSERT INTO letters (incident, next_try, {FIELDS}) VALUES (:incident, :now, {PLACEHOLDERS})",  # noqa: S608
                asdict(mail) | {"incident": incident_id, "now": now},
            )
            db.execute(
                "UPDATE incidents SET mailed = total, mails = mails + 1, last_mail = ?, request_ids = '[]', closed = ?"
                " WHERE id = ?",
                (now, closes_incident(incident, mail_type), incident_id),
            )

    def find_due(self, now: float) -> list[MailMessage]:
        """Return the pending mails whose next try is due, oldest first."""
        with self._store.connect() as db:
            query = f"SELECT {FIELDS}, id, attempts FROM letters WHERE {DUE} ORDER BY id"  # noqa: S608
            rows = db.execute(query, {"now": now}).fetchall()
        return list(starmap(MailMessage, rows))

    def postpone(self, mail: MailMessage, now: float, delay: float, others: bool) -> None:
        """Postpone the mail, and store its remaining recipients. If `others` is true, postpone all pending mails."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE letters SET attempts = attempts + 1, next_try = ?, recipients = ? WHERE id = ?",
                (now + delay, mail.recipients, mail.id),
            )
            if others:
                least, most = now + delay, now + LONGEST_DELAY
                db.execute(
                    "UPDATE letters SET next_try = min(max(next_try, ?), ?) WHERE state = 'pending'", (least, most)
                )

    def close_mail(self, mail: MailMessage, state: str) -> None:
        """Mark the mail as `sent` or `dead`, and delete old closed mails and incidents."""
        with self._store.transaction() as db:
            db.execute("UPDATE letters SET state = ?, body = '' WHERE id = ?", (state, mail.id))
            db.execute(
                "INSERT INTO totals VALUES (?, 1) ON CONFLICT (state) DO UPDATE SET letters = letters + 1", (state,)
            )
            db.execute("DELETE FROM letters WHERE state <> 'pending' AND id <= ?", (mail.id - HISTORY,))
            db.execute(
                "DELETE FROM incidents WHERE closed AND id <= (SELECT max(id) FROM incidents) - ?",
                (HISTORY,),
            )

    def count_mails(self) -> dict[str, int]:
        """Count the pending mails, and all mails that were ever sent or permanently refused (dead)."""
        with self._store.connect() as db:
            counts = {"sent": 0, "dead": 0} | dict(db.execute("SELECT state, letters FROM totals").fetchall())
            (pending,) = db.execute("SELECT count(*) FROM letters WHERE state = 'pending'").fetchone()
            return {"pending": pending} | counts

    def close(self) -> None:
        """Close the file. The next use reopens the file."""
        self._store.close()


def migrate(db: sqlite3.Connection) -> None:
    """Add the column `recipients` to a file that an older version created."""

    def is_outdated() -> bool:
        return "recipients" not in {column[1] for column in db.execute("PRAGMA table_info(letters)")}

    if is_outdated():
        db.execute("BEGIN IMMEDIATE")
        if is_outdated():  # another process might have added the column
            db.execute("ALTER TABLE letters ADD COLUMN recipients TEXT NOT NULL DEFAULT ''")
        db.execute("COMMIT")

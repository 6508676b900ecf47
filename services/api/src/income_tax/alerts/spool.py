"""The spool, a durable queue of incidents and mails. All processes of a host share its SQLite file."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import starmap
from pathlib import Path

from income_tax.storage.sqlite_store import SqliteStore

from .alert import Alert, Kind
from .incident_policy import Incident, MailType, closes_incident
from .mail_message import MailMessage
from .spool_schema import SCHEMA, add_columns

SAMPLES = 5  # maximum number of request ids in a mail
HISTORY = 1000  # number of closed mails that are kept, and number of closed incidents that are kept

# One statement adds a failure, so the count stays exact if several processes add failures simultaneously.
ADD = f"""
INSERT INTO incidents
(token, kind, place, route, total, first_seen, last_seen, resolved, first, last, request_ids, recoveries)
VALUES
(:token, :kind, :place, :route, :total, :first_seen, :last_seen, :resolved, :first, :last, :request_ids, :recoveries)
ON CONFLICT (kind, place, route) WHERE NOT closed DO UPDATE SET
    total = total + excluded.total, last_seen = excluded.last_seen, last = excluded.last,
    resolved = resolved AND excluded.resolved, recoveries = recoveries + excluded.recoveries,
    request_ids = CASE WHEN :request_ids = '[]' OR json_array_length(request_ids) >= {SAMPLES} THEN request_ids
                  ELSE json_insert(request_ids, '$[#]', json_extract(:request_ids, '$[0]')) END
"""  # noqa: S608 - SAMPLES is a constant of this module

OPEN = """
SELECT id, token, kind, place, route, total, mailed, mails, first_seen, last_seen, last_mail, resolved,
       EXISTS (SELECT 1 FROM letters WHERE incident = incidents.id AND state = 'pending' AND recipients = ''),
       first, last, request_ids, recoveries, told, recovery_mails
FROM incidents WHERE NOT closed
"""

DELETE_OLD = "DELETE FROM incidents WHERE closed AND id <= (SELECT max(id) FROM incidents) - :history"

# If a mail was postponed later than now, the clock was set back. Such a mail is also due.
DUE = "state = 'pending' AND (next_try <= :now OR tried > :now)"

FIELDS = "name, suffix, body, time, kind, request_id, subject, recipients"
PLACEHOLDERS = ":" + FIELDS.replace(", ", ", :")

BuildMail = Callable[[Incident], tuple[MailType, MailMessage] | None]


class Spool:
    """Incidents and the mails that report them.

    If the file cannot be used, every method raises sqlite3.Error or OSError within a few seconds.
    """

    def __init__(self, path: Path | None) -> None:
        self._store = SqliteStore(path, SCHEMA, on_open=add_columns)  # in memory if `path` is None

    def report(self, alert: Alert, now: float) -> None:
        """Add a failure to its open incident, or open a new incident. The change is durable when the call returns."""
        token, stored = secrets.token_hex(8), alert.to_json()
        ids = json.dumps([alert.request_id] if alert.request_id else [])
        route = token if alert.kind == "drill" else alert.route  # a unique route gives each drill its own incident
        self._add(
            {"token": token, "kind": alert.kind, "place": alert.place, "route": route, "total": 1, "resolved": False}
            | {
                "first_seen": now,
                "last_seen": now,
                "first": stored,
                "last": stored,
                "request_ids": ids,
                "recoveries": 0,
            }
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
        """Mark the open incidents of a kind as resolved, and count the recoveries."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE incidents SET resolved = 1, recoveries = recoveries + 1"
                " WHERE kind = ? AND NOT closed AND NOT resolved",
                (kind,),
            )

    def close_incident(self, incident: Incident) -> None:
        """Close a resolved incident without a mail, unless it has a new failure."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE incidents SET closed = 1 WHERE id = ? AND resolved AND total = ?", (incident.id, incident.total)
            )

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
                f"INSERT INTO letters (incident, next_try, tried, {FIELDS})"  # noqa: S608
                f" VALUES (:incident, :now, :now, {PLACEHOLDERS})",
                asdict(mail) | {"incident": incident_id, "now": now},
            )
            db.execute(
                "UPDATE incidents SET mailed = total, mails = mails + 1, last_mail = :now, request_ids = '[]',"
                " told = :told, recovery_mails = recovery_mails + :told, closed = :closed WHERE id = :id",
                {"now": now, "told": mail_type is MailType.RECOVERED, "id": incident_id}
                | {"closed": closes_incident(incident, mail_type)},
            )

    def record_post(self, incident: Incident, now: float, closes: bool = False) -> None:
        """Record that a server has accepted the incident, and the time of its first post.

        If `closes` is true, close the incident, unless it has a new failure.
        """
        with self._store.transaction() as db:
            db.execute(
                "UPDATE incidents SET mailed = :total, last_mail = CASE WHEN mails THEN last_mail ELSE :now END,"
                " mails = mails + 1, closed = :closes AND total = :total WHERE id = :id",
                {"total": incident.total, "now": now, "closes": closes, "id": incident.id},
            )
            db.execute(DELETE_OLD, {"history": HISTORY})

    def find_due(self, now: float) -> list[MailMessage]:
        """Return the pending mails whose next try is due, oldest first."""
        with self._store.connect() as db:
            query = f"SELECT {FIELDS}, id, attempts, copies, refusals FROM letters WHERE {DUE} ORDER BY id"  # noqa: S608
            rows = db.execute(query, {"now": now}).fetchall()
        return list(starmap(MailMessage, rows))

    def count_copy(self, mail: MailMessage) -> None:
        """Record durably that the server receives a copy. `postpone` takes the copy back if the server refuses it."""
        with self._store.transaction() as db:
            db.execute("UPDATE letters SET copies = ? WHERE id = ?", (mail.copies + 1, mail.id))

    def postpone(self, mail: MailMessage, now: float, delay: float, others: bool) -> None:
        """Postpone the mail, and store its progress. If `others` is true, also postpone all pending mails."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE letters SET attempts = attempts + 1, next_try = :next, tried = :now, recipients = :recipients,"
                " copies = :copies, refusals = :refusals WHERE id = :id",
                asdict(mail) | {"next": now + delay, "now": now},
            )
            if others:  # a `tried` in the future means that the clock was set back
                db.execute(
                    "UPDATE letters SET next_try = CASE WHEN tried > :now THEN :next ELSE max(next_try, :next) END,"
                    " tried = min(tried, :now) WHERE state = 'pending'",
                    {"next": now + delay, "now": now},
                )

    def close_mail(self, mail: MailMessage, state: str) -> None:
        """Mark the mail as `sent` or `dead`, and delete old closed mails and incidents."""
        with self._store.transaction() as db:
            db.execute("UPDATE letters SET state = ?, body = '' WHERE id = ?", (state, mail.id))
            db.execute(
                "INSERT INTO totals VALUES (?, 1) ON CONFLICT (state) DO UPDATE SET letters = letters + 1", (state,)
            )
            db.execute("DELETE FROM letters WHERE state <> 'pending' AND id <= ?", (mail.id - HISTORY,))
            db.execute(DELETE_OLD, {"history": HISTORY})

    def count_mails(self) -> dict[str, int]:
        """Count the pending mails, and all mails that were ever sent or permanently refused (dead)."""
        with self._store.connect() as db:
            counts = {"sent": 0, "dead": 0} | dict(db.execute("SELECT state, letters FROM totals").fetchall())
            (pending,) = db.execute("SELECT count(*) FROM letters WHERE state = 'pending'").fetchone()
            return {"pending": pending} | counts

    def close(self) -> None:
        """Close the file. The next use reopens the file."""
        self._store.close()

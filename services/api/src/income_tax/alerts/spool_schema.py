"""The tables of the spool."""

import sqlite3

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
    attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL, state TEXT NOT NULL DEFAULT 'pending'
);
CREATE INDEX IF NOT EXISTS pending_letters ON letters (next_try) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS totals (state TEXT PRIMARY KEY, letters INTEGER NOT NULL);
"""

# Columns that later versions added, by table. `subject` is empty for a mail of an older version. `copies` counts the
# attempts after which the server might have delivered the mail, and `refusals` the refusals by 5xx. `tried` is the time
# when `next_try` was set. `recoveries` counts the recoveries of an incident. `told` is 1 if the incident's last mail
# reported a recovery. `recovery_mails` counts the incident's mails about a recovery.
ADDED = {
    "letters": {
        "subject": "TEXT NOT NULL DEFAULT ''",
        "recipients": "TEXT NOT NULL DEFAULT ''",
        "copies": "INTEGER NOT NULL DEFAULT 0",
        "refusals": "INTEGER NOT NULL DEFAULT 0",
        "tried": "REAL NOT NULL DEFAULT 0",
    },
    "incidents": {
        "recoveries": "INTEGER NOT NULL DEFAULT 0",
        "told": "INTEGER NOT NULL DEFAULT 0",
        "recovery_mails": "INTEGER NOT NULL DEFAULT 0",
    },
}


def add_columns(db: sqlite3.Connection) -> None:
    """Add the missing columns to a new file, or to a file that an older version created."""
    if find_missing(db):
        db.execute("BEGIN IMMEDIATE")
        for table, column, definition in find_missing(db):  # again, because another process might have added them
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {definition}")
        db.execute("COMMIT")


def find_missing(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Return the table, the name and the definition of each missing column."""
    return [
        (table, column, definition)
        for table, columns in ADDED.items()
        for column, definition in columns.items()
        if column not in {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    ]

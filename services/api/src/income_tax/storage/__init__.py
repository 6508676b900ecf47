"""Storage of tax schedules (database and snapshot), users and secrets (files), and login failures (SQLite)."""

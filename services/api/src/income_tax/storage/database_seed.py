"""Brings a database to the schema and the tax data of the folder db/init."""

import hashlib
import json
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from income_tax.tax.brackets import ScheduleError
from income_tax.tax.schedule_data import Data, parse

from .database import WrongDatabaseError
from .schedule_tables import COLUMNS, SCHEMA_VERSION, TABLES, rows_of


def write_all(engine: Engine, folder: Path, figures: bytes | None = None, force: bool = False) -> bool:
    """Bring the database to what `schema.sql` and `schedules.json` of the folder say; whether figures were written.

    They are not when that very file was written before, unless `force`. `figures`, of the same form, take its place.
    The tables of an older service are made anew. Readers see the old data or the new, or that there is none.
    Raises OSError when a file cannot be read, ScheduleError when figures are not good, WrongDatabaseError when the
    database is of a newer service, SQLAlchemyError when it refuses.
    """
    usual = (folder / "schedules.json").read_bytes()
    digest = hashlib.sha256(usual).hexdigest()
    try:
        data = json.loads(usual if figures is None else figures)
    except ValueError as error:  # neither JSON nor, maybe, text
        raise ScheduleError(f"the figures are not JSON of schedules: {error}") from error
    parse(data)
    with engine.begin() as connection:
        create(connection, (folder / "schema.sql").read_text(encoding="utf-8"))
    with engine.begin() as connection:
        if not force and figures is None and connection.execute(text("SELECT digest FROM seeds")).scalar() == digest:
            return False
        write_figures(connection, data)
        connection.execute(text("DELETE FROM seeds"))
        connection.execute(text("INSERT INTO seeds (digest) VALUES (:digest)"), {"digest": digest})
        connection.execute(text("DELETE FROM schema_version"))
        connection.execute(text("INSERT INTO schema_version (version) VALUES (:version)"), {"version": SCHEMA_VERSION})
    return True


def create(connection: Connection, schema: str) -> None:
    """Make the tables that are missing, and all of them anew when they are of an older service."""
    tables = set(inspect(connection).get_table_names())
    version = (
        connection.execute(text("SELECT version FROM schema_version")).scalar() if "schema_version" in tables else 0
    )
    if (version or 0) > SCHEMA_VERSION:
        raise WrongDatabaseError(
            f"the database's schema is {version}, that of a newer service (this one's {SCHEMA_VERSION})"
        )
    if (version or 0) < SCHEMA_VERSION:
        for table in TABLES:
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    for statement in statements(schema):
        connection.execute(text(statement))


def write_figures(connection: Connection, data: Data) -> None:
    """Replace all figures."""
    rows = rows_of(data)
    for table, columns in COLUMNS.items():
        connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names of tables.py
        places = ", ".join(f":{column}" for column in columns)
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608
        if rows[table]:
            connection.execute(text(statement), rows[table])


def statements(script: str) -> list[str]:
    """The statements of an SQL script that has no semicolon but their ends."""
    lines = [line.partition("--")[0] for line in script.splitlines()]
    return [statement for statement in "\n".join(lines).split(";") if statement.strip()]

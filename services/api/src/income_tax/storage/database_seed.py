"""Seeding of a database, which writes the schema and the tax data to the database."""

import hashlib
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from income_tax.tax.schedule_parser import Data

from .database_connection import WrongDatabaseError
from .schedule_file import parse_file
from .schedule_tables import COLUMNS, SCHEMA_VERSION, TABLES, build_rows

SCHEDULES = "schedules.json"
# The folder of the package's `schema.sql` and `schedules.json`. In the repository, these are links to db/init, so that
# a wheel contains the files without a second copy.
TAX_DATA = Path(__file__).parent


def seed_database(engine: Engine, folder: Path, figures: bytes | None = None, force: bool = False) -> bool:
    """Apply the folder's `schema.sql` and `schedules.json` to the database. Return whether tax data was written.

    If `schedules.json` has not changed since the last seed, the data is written again only if `force` is set. If
    `figures` is given, these bytes are always written instead of the content of `schedules.json`. Tables of an older
    version are dropped and created again. A simultaneous reader sees the old data, the new data, or no data.
    Raises OSError if a file cannot be read, and ScheduleError if the tax data is invalid. Raises WrongDatabaseError if
    the database has a newer schema, and SQLAlchemyError if the database fails.
    """
    usual = (folder / SCHEDULES).read_bytes()
    digest = hashlib.sha256(usual).hexdigest()
    data = parse_file(usual if figures is None else figures)
    with engine.begin() as connection:
        create_tables(connection, (folder / "schema.sql").read_text(encoding="utf-8"))
    with engine.begin() as connection:
        if not force and figures is None and connection.execute(text("SELECT digest FROM seeds")).scalar() == digest:
            return False
        replace_figures(connection, data)
        connection.execute(text("DELETE FROM seeds"))
        connection.execute(text("INSERT INTO seeds (digest) VALUES (:digest)"), {"digest": digest})
        connection.execute(text("DELETE FROM schema_version"))
        connection.execute(text("INSERT INTO schema_version (version) VALUES (:version)"), {"version": SCHEMA_VERSION})
    return True


def create_tables(connection: Connection, schema: str) -> None:
    """Create the missing tables. If the tables belong to an older version, first drop all tables."""
    tables = set(inspect(connection).get_table_names())
    version = (
        connection.execute(text("SELECT version FROM schema_version")).scalar() if "schema_version" in tables else 0
    )
    if (version or 0) > SCHEMA_VERSION:
        raise WrongDatabaseError(
            f"the database has schema version {version} of a newer service; this service supports {SCHEMA_VERSION}"
        )
    if (version or 0) < SCHEMA_VERSION:
        for table in TABLES:
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    for statement in split_statements(schema):
        connection.execute(text(statement))


def replace_figures(connection: Connection, data: Data) -> None:
    """Replace all tax data in the database."""
    rows = build_rows(data)
    for table, columns in COLUMNS.items():
        connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - constants of schedule_tables.py
        places = ", ".join(f":{column}" for column in columns)
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608
        if rows[table]:
            connection.execute(text(statement), rows[table])


def split_statements(script: str) -> list[str]:
    """Split an SQL script into statements. The script must contain semicolons only at the end of statements."""
    lines = [line.partition("--")[0] for line in script.splitlines()]
    return [statement for statement in "\n".join(lines).split(";") if statement.strip()]

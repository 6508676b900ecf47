"""The database tables of the schedules, which db/init/schema.sql defines."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from income_tax.tax.brackets import ScheduleError
from income_tax.tax.schedule_parser import Data, parse_schedules

from .database_connection import DatabaseError, describe_outdated

SCHEMA_VERSION = 2
# A mapping from each table to its columns. The tables are filled in this order.
COLUMNS = {
    "parameters": ("name", "unit", "article", "fr", "en"),
    "constants": ("schedule", "name", "value", "since"),
    "brackets": ("schedule", "name", "position", "upper_limit", "rate", "constant", "since"),
    "sources": ("schedule", "name", "position", "title", "url"),
}
TABLES = (*COLUMNS, "seeds", "schema_version")

# One query reads all tables. Unused columns are '' or 0, so that all three databases infer the same column types.
READ = text("""
SELECT 'bracket' AS kind, schedule, name, position, rate AS a, upper_limit AS b, constant AS c, since AS d, '' AS e,
       '' AS f FROM brackets
UNION ALL SELECT 'constant', schedule, name, 0, value, 0, 0, since, '', '' FROM constants
UNION ALL SELECT 'source', schedule, name, position, 0, 0, 0, title, url, '' FROM sources
UNION ALL SELECT 'words', article, name, 0, 0, 0, 0, unit, fr, en FROM parameters
UNION ALL SELECT 'version', '', '', version, 0, 0, 0, '', '', '' FROM schema_version
ORDER BY 1, 2, 3, 4
""")


def format_number(value: Any) -> str | None:
    """Format a number from the database, and omit trailing zeros. Return None for NULL.

    SQLite returns floats. `str` returns the shortest text of a float, which is exactly the stored decimal number.
    """
    return None if value is None else format(Decimal(str(value)).normalize(), "f")


def fetch_schedules(engine: Engine) -> Data:
    """Read the schedules from the database.

    Raises SQLAlchemyError if the database does not respond. Raises DatabaseError if the database contains no valid
    schedules of this schema version.
    """
    try:
        with engine.connect() as connection:
            data = assemble_schedules([tuple(row) for row in read_rows(connection)])
        parse_schedules(data)
    except (ScheduleError, ArithmeticError) as error:
        raise DatabaseError(f"the tax data in the database is invalid: {error or type(error).__name__}") from error
    return data


def read_rows(connection: Connection) -> list[Any]:
    """Return the rows of all tables. Raises DatabaseError if a table is missing."""
    try:
        return list(connection.execute(READ))
    except DBAPIError:
        connection.rollback()
        if missing := sorted(set(TABLES) - set(inspect(connection).get_table_names())):
            raise DatabaseError(describe_outdated(f"it has no table {', '.join(missing)}")) from None
        raise


def assemble_schedules(rows: list[tuple[Any, ...]]) -> Data:
    """Build the schedules from the rows. Raises DatabaseError if the rows have another schema version."""
    versions = [row[3] for row in rows if row[0] == "version"]
    if versions != [SCHEMA_VERSION]:
        raise DatabaseError(describe_outdated(f"its schema version is {versions}, expected [{SCHEMA_VERSION}]"))
    words: dict[str, Any] = {}
    schedules: dict[str, dict[str, Any]] = {}
    for kind, schedule, name, _, a, b, c, d, e, f in rows:
        if kind == "words":
            words[name] = {"unit": d, "article": schedule, "fr": e, "en": f}
        elif kind == "constant":
            schedules.setdefault(schedule, {})[name] = {"value": format_number(a), "since": d, "references": []}
        elif kind == "bracket":
            scale = schedules.setdefault(schedule, {}).setdefault(name, {"brackets": [], "since": d, "references": []})
            scale["brackets"].append(
                {"upper_limit": format_number(b), "rate": format_number(a), "constant": format_number(c)}
            )
        elif kind == "source" and name in schedules.get(schedule, {}):
            schedules[schedule][name]["references"].append({"title": d, "url": e})
    return {"parameters": words, "schedules": schedules}


def build_rows(data: Data) -> Mapping[str, list[dict[str, Any]]]:
    """Return a mapping from each table name to the rows of the table."""
    figures = [(schedule, name, f) for schedule, all_ in data["schedules"].items() for name, f in all_.items()]
    return {
        "parameters": [{"name": name, **words} for name, words in data["parameters"].items()],
        "constants": [
            {"schedule": s, "name": n, "value": f["value"], "since": f["since"]} for s, n, f in figures if "value" in f
        ],
        "brackets": [row for s, n, f in figures for row in build_bracket_rows(s, n, f)],
        "sources": [
            {"schedule": s, "name": n, "position": position, **reference}
            for s, n, f in figures
            for position, reference in enumerate(f["references"], start=1)
        ],
    }


def build_bracket_rows(schedule: str, name: str, figure: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the bracket rows of a scale. For a constant, yield no rows."""
    for position, bracket in enumerate(figure.get("brackets", []), start=1):
        yield {"schedule": schedule, "name": name, "position": position, "since": figure["since"], **bracket}

"""Engines for the database of the tax schedules, and retries while the database is starting."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool

from income_tax.tax.brackets import ScheduleError
from tax_common.backoff import Backoff, retry

TIMEOUT = 5  # maximum seconds for a connection attempt, and for each response
RETRIES = Backoff(first=0.5, longest=0.5, jitter=0)


class DatabaseError(Exception):
    """The database is unreachable or has no valid tax data. The message quotes the database's error."""


class WrongDatabaseError(DatabaseError):
    """The schema of the database belongs to a newer version of the service, so a retry cannot succeed."""


@dataclass(frozen=True, slots=True)
class DatabaseAccount:
    """The address and credentials of a database. If `port` is None, the default port of the dialect is used."""

    host: str
    port: int | None
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dialect:
    """A supported type of database server, with the SQLAlchemy driver name, the default port and the driver options."""

    driver: str
    port: int
    options: Mapping[str, Any]


DIALECTS = {
    "postgres": Dialect(
        "postgresql+psycopg2",
        5432,
        {"connect_timeout": TIMEOUT, "options": f"-c statement_timeout={TIMEOUT * 1000}"},
    ),
    # PyMySQL's connect_timeout covers only the TCP handshake. The other timeouts cover a server that stops responding.
    "mysql": Dialect(
        "mysql+pymysql",
        3306,
        {"connect_timeout": TIMEOUT, "read_timeout": TIMEOUT, "write_timeout": TIMEOUT},
    ),
}


def build_server_engine(server: str, account: DatabaseAccount) -> Engine:
    """Build an engine for PostgreSQL or MySQL. The engine opens a connection for each use, and closes it afterwards."""
    dialect = DIALECTS[server]
    port = account.port or dialect.port
    url = URL.create(dialect.driver, account.user, account.password, account.host, port, account.name)
    return create_engine(url, poolclass=NullPool, connect_args=dict(dialect.options))


def build_file_engine(path: Path, writable: bool = False) -> Engine:
    """Build an engine for an SQLite file. Only a writable engine creates a missing file."""
    mode = "rwc" if writable else "ro"
    return create_engine(f"sqlite:///file:{path.absolute()}?mode={mode}&uri=true", poolclass=NullPool)


T = TypeVar("T")


def wait_for_database(action: Callable[[], T], timeout: float, pause: Callable[[float], None] = time.sleep) -> T:
    """Run the action, and retry for up to `timeout` seconds while the database is starting. Return the action's result.

    Raises DatabaseError with the last database error. OSError, ScheduleError and WrongDatabaseError are not retried.
    """
    try:
        return retry(action, timeout, RETRIES, is_transient, pause)
    except Exception as error:
        if not is_transient(error):
            raise
        raise DatabaseError(describe_error(error)) from error


def is_transient(error: Exception) -> bool:
    """Return whether a retry might succeed.

    All exceptions except three types are retried, because drivers raise many types, even UnicodeError and RuntimeError.
    """
    return not isinstance(error, (OSError, ScheduleError, WrongDatabaseError))


def describe_error(error: Exception) -> str:
    """Return the driver's error message on one line, without the text that SQLAlchemy adds."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


def describe_outdated(reason: str) -> str:
    """Return the error message for a database with a different schema version, including the remedy."""
    return f"the database has another version ({reason}): run `make up` or `income-tax seed` to update the database"

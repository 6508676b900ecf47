"""Engines for the database of the tax schedules, and waiting for a database that is starting."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool

from income_tax.tax.brackets import ScheduleError
from tax_common.backoff import Backoff, retry

TIMEOUT = 5  # seconds for a connection, and for each answer on it
RETRIES = Backoff(first=0.5, longest=0.5, jitter=0)


class DatabaseError(Exception):
    """The database is unreachable or does not hold the tax data; the text quotes its error."""


class WrongDatabaseError(DatabaseError):
    """The database belongs to a newer version of the service; waiting does not change that."""


@dataclass(frozen=True, slots=True)
class DatabaseAccount:
    """Address and login of a database server; a port of None is the server's usual one."""

    host: str
    port: int | None
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dialect:
    """A supported database server: SQLAlchemy's explicit driver, the usual port, the driver's options."""

    driver: str
    port: int
    options: Mapping[str, Any]


DIALECTS = {
    "postgres": Dialect(
        "postgresql+psycopg2",
        5432,
        {"connect_timeout": TIMEOUT, "options": f"-c statement_timeout={TIMEOUT * 1000}"},
    ),
    # PyMySQL's connect_timeout covers TCP's handshake alone; the others cover a server that stays silent after it.
    "mysql": Dialect(
        "mysql+pymysql",
        3306,
        {"connect_timeout": TIMEOUT, "read_timeout": TIMEOUT, "write_timeout": TIMEOUT},
    ),
}


def build_server_engine(server: str, account: DatabaseAccount) -> Engine:
    """Build an engine for PostgreSQL or MySQL; it connects at first use and keeps no connection open."""
    dialect = DIALECTS[server]
    port = account.port or dialect.port
    url = URL.create(dialect.driver, account.user, account.password, account.host, port, account.name)
    return create_engine(url, poolclass=NullPool, connect_args=dict(dialect.options))


def build_file_engine(path: Path, writable: bool = False) -> Engine:
    """Build an engine for an SQLite file; only a writable one creates it."""
    mode = "rwc" if writable else "ro"
    return create_engine(f"sqlite:///file:{path.absolute()}?mode={mode}&uri=true", poolclass=NullPool)


T = TypeVar("T")


def wait_for_database(action: Callable[[], T], timeout: float, pause: Callable[[float], None] = time.sleep) -> T:
    """Return the result of the action, repeated for `timeout` seconds while the database is starting.

    Raises DatabaseError with the last error of the database; OSError and ScheduleError of the action pass through.
    """
    try:
        return retry(action, timeout, RETRIES, is_transient, pause)
    except Exception as error:
        if not is_transient(error):
            raise
        raise DatabaseError(describe_error(error)) from error


def is_transient(error: Exception) -> bool:
    """Return whether waiting may help: drivers raise many types, such as UnicodeError and RuntimeError."""
    return not isinstance(error, (OSError, ScheduleError, WrongDatabaseError))


def describe_error(error: Exception) -> str:
    """Return the database's own error in one line, without SQLAlchemy's text around it."""
    return " ".join(str(getattr(error, "orig", None) or error).split())

"""The database engine, from the one argument that names the server."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool

from income_tax.tax.brackets import ScheduleError

PATIENCE = 5  # seconds for a connection, and for each answer on it
RETRY_PAUSE = 0.5  # seconds between two attempts at a database that is still coming up


class DatabaseError(Exception):
    """The database cannot be reached or does not hold the tax data; the text says what it answered."""


class WrongDatabaseError(DatabaseError):
    """The database is not one that this service can use, and waiting would not make it one."""


@dataclass(frozen=True, slots=True)
class Account:
    """How to reach a database server; a port of None is the server's usual one."""

    host: str
    port: int | None
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Server:
    """A database server that the service knows: SQLAlchemy's explicit driver, the usual port, the driver's options."""

    driver: str
    port: int
    options: Mapping[str, Any]


SERVERS = {
    "postgres": Server(
        "postgresql+psycopg2",
        5432,
        {"connect_timeout": PATIENCE, "options": f"-c statement_timeout={PATIENCE * 1000}"},
    ),
    # PyMySQL's connect_timeout ends with TCP's handshake: a server that then says nothing is the others' business.
    "mysql": Server(
        "mysql+pymysql",
        3306,
        {"connect_timeout": PATIENCE, "read_timeout": PATIENCE, "write_timeout": PATIENCE},
    ),
}


def server_engine(server: str, account: Account) -> Engine:
    """An engine for PostgreSQL or MySQL; it connects at first use and keeps no connection open."""
    kind = SERVERS[server]
    url = URL.create(kind.driver, account.user, account.password, account.host, account.port or kind.port, account.name)
    return create_engine(url, poolclass=NullPool, connect_args=dict(kind.options))


def file_engine(path: Path, writable: bool = False) -> Engine:
    """An engine for an SQLite file; only a writable one creates it."""
    mode = "rwc" if writable else "ro"
    return create_engine(f"sqlite:///file:{path.absolute()}?mode={mode}&uri=true", poolclass=NullPool)


T = TypeVar("T")


def retry(read: Callable[[], T], wait: float, pause: Callable[[float], None] = time.sleep) -> T:
    """What `read` gives, tried for `wait` seconds while the database is still coming up.

    Raises DatabaseError with the last answer of the database.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            return read()
        except (OSError, ScheduleError, WrongDatabaseError):
            raise  # nothing that comes up by itself
        except Exception as error:  # drivers raise what they like: UnicodeError, RuntimeError ...
            if time.monotonic() >= deadline:
                raise DatabaseError(reason(error)) from error
        pause(RETRY_PAUSE)


def reason(error: Exception) -> str:
    """What the database answered, in one line, without SQLAlchemy's own words around it."""
    return " ".join(str(getattr(error, "orig", None) or error).split())

"""The wait for a database that is starting."""

from collections.abc import Iterator

import pytest

from income_tax.storage.database_connection import DatabaseError, wait_for_database


def test_retries_until_it_answers() -> None:
    """The wait retries a failed read until the database answers."""
    tries: Iterator[object] = iter([DatabaseError("starting up"), DatabaseError("starting up"), "data"])

    def read() -> str:
        outcome = next(tries)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    pauses: list[float] = []
    assert "data" == wait_for_database(read, timeout=60, pause=pauses.append)
    assert 2 == len(pauses)


def test_timeout_raises_the_last_error() -> None:
    """After the timeout, the wait raises the last error of the database with its text on one line."""

    def read() -> str:
        raise DatabaseError("connection\n  refused")

    with pytest.raises(DatabaseError, match="^connection refused$"):
        wait_for_database(read, timeout=0)

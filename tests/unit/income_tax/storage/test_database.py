"""The wait for a database that is starting."""

from collections.abc import Iterator

import pytest

from income_tax.storage.database import DatabaseError, wait_for_database


def test_retries_until_it_answers() -> None:
    """The wait ends when the database answers the third attempt."""
    tries: Iterator[object] = iter([DatabaseError("starting up"), DatabaseError("starting up"), "data"])

    def read() -> str:
        outcome = next(tries)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    pauses: list[float] = []
    assert "data" == wait_for_database(read, timeout=60, pause=pauses.append)
    assert 2 == len(pauses)


def test_gives_up_with_the_last_error() -> None:
    """After the timeout the error quotes the last error of the database."""

    def read() -> str:
        raise DatabaseError("connection\n  refused")

    with pytest.raises(DatabaseError, match="^connection refused$"):
        wait_for_database(read, timeout=0)

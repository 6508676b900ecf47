"""The tax data in a database: seeding, updates, and rejection of other schema versions."""

import copy
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from income_tax.storage.database_connection import DatabaseError, build_file_engine
from income_tax.storage.database_seed import seed_database
from income_tax.storage.schedule_tables import fetch_schedules
from income_tax.tax.brackets import ScheduleError
from income_tax.tax.schedule_parser import parse_schedules
from tests.support.data import ROOT, schedules

FOLDER = ROOT / "db/init"
OF_VERSION_1 = """
CREATE TABLE brackets (schedule VARCHAR(16) NOT NULL, position INTEGER NOT NULL, upper_limit DECIMAL(14, 4),
    rate DECIMAL(14, 4) NOT NULL, constant DECIMAL(14, 4) NOT NULL, PRIMARY KEY (schedule, position));
CREATE TABLE seeds (digest VARCHAR(64) NOT NULL PRIMARY KEY);
CREATE TABLE constants (schedule VARCHAR(16) NOT NULL, name VARCHAR(64) NOT NULL, value DECIMAL(14, 4) NOT NULL,
    unit VARCHAR(16) NOT NULL, PRIMARY KEY (schedule, name));
INSERT INTO seeds VALUES ('of another time');
INSERT INTO brackets VALUES ('v7', 1, NULL, 0.1, 0);
"""


def run(path: Path, script: str) -> None:
    """Run an SQL script on a database file."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def seed(path: Path, **how: Any) -> bool:
    """Seed or update a database, and return whether tax data was written."""
    return seed_database(build_file_engine(path, writable=True), FOLDER, **how)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Create a database with the tax data, and return its path."""
    assert seed(tmp_path / "tax.sqlite")
    return tmp_path / "tax.sqlite"


def test_seeded_data_is_read(path: Path) -> None:
    """A seeded database returns the complete data of the data file, with the same version."""
    data = fetch_schedules(build_file_engine(path))
    assert schedules().data == data
    assert schedules().version == parse_schedules(data).version


def test_one_round_trip(path: Path) -> None:
    """A single query reads all tax data."""
    engine, statements = build_file_engine(path), []
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    fetch_schedules(engine)
    assert 1 == len(statements)


def test_seeding_again(path: Path) -> None:
    """A second seeding keeps manual corrections unless `force` is set."""
    run(path, "UPDATE constants SET value = 1 WHERE name = 'cap_half_share' AND schedule = '2024'")
    assert not seed(path)
    assert "1" == fetch_schedules(build_file_engine(path))["schedules"]["2024"]["cap_half_share"]["value"]
    assert seed(path, force=True)
    assert schedules().data == fetch_schedules(build_file_engine(path))


def test_given_tax_data_is_always_written(path: Path) -> None:
    """Tax data in the argument `figures` always replaces the tax data in the database."""
    backup = copy.deepcopy(schedules().data)
    backup["schedules"]["v7"]["cap_half_share"]["value"] = "1000"
    assert seed(path, figures=json.dumps(backup).encode())
    assert backup == fetch_schedules(build_file_engine(path))
    assert not seed(path), "a later seeding keeps the given tax data"


def test_tables_of_an_older_version(tmp_path: Path) -> None:
    """The service rejects a database of version 1 and names the remedy, and a seeding updates the database."""
    path = tmp_path / "tax.sqlite"
    run(path, OF_VERSION_1)
    with pytest.raises(DatabaseError, match=r"it has no table parameters, schema_version, sources\): run `make up`"):
        fetch_schedules(build_file_engine(path))
    assert seed(path)
    assert not seed(path)
    assert schedules().data == fetch_schedules(build_file_engine(path))


def test_an_interrupted_seeding(path: Path) -> None:
    """The service rejects the tables of an interrupted seeding, and the next seeding recreates the tables."""
    run(path, "DELETE FROM schema_version; DELETE FROM sources")
    with pytest.raises(DatabaseError, match="its schema version is"):
        fetch_schedules(build_file_engine(path))
    assert seed(path)
    assert schedules().data == fetch_schedules(build_file_engine(path))


def test_tables_of_a_newer_version(path: Path) -> None:
    """The service does not read or overwrite a database of a newer version."""
    run(path, "UPDATE schema_version SET version = version + 1; DELETE FROM constants")
    with pytest.raises(DatabaseError, match="its schema version is"):
        fetch_schedules(build_file_engine(path))
    with pytest.raises(DatabaseError, match="newer service"):
        seed(path)
    with closing(sqlite3.connect(path)) as database:
        assert (0,) == database.execute("SELECT COUNT(*) FROM constants").fetchone()


def broken(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return a copy of the data with `value` at `path`. If `value` is None, delete the entry at `path` instead."""
    data = copy.deepcopy(schedules().data)
    inner: Any = data["schedules"]
    for name in path[:-1]:
        inner = inner[name]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path_in_data", "value", "error"),
    [
        (("2024", "cap_half_share"), None, "schedule 2024: constants missing: cap_half_share"),
        (("2020", "scale"), None, "schedule 2020: brackets missing: scale"),
        (("v7",), None, "expected a schedule v7 and"),
        (
            ("2021", "deduction_min", "value"),
            "448.5",
            "schedule 2021: taxable_income is not in whole euros because of fractions in",
        ),
        (("2024", "scale", "brackets", 1, "rate"), "11", "schedule 2024: scale: the rates must be fractions"),
        (("2024", "scale", "brackets", 1, "rate"), "0.31", "in ascending order, such as 0.11 for 11 %"),
        (("2024", "share_spouse", "value"), "-1", "schedule 2024: share_spouse is -1; expected 0 or more"),
        (("2024", "scale", "brackets", 0, "upper_limit"), "-5", "a bracket's limit is -5; expected more than 0"),
        (("2024", "decote_rate", "value"), "45.25", "schedule 2024: decote_rate is 45.25; expected a fraction"),
        (("2018", "reduction_end_limit_per_adult", "value"), "18985", "reduction_end_limit_per_adult must be above"),
        (("2021", "decote_rate", "value"), "0.45255", "0.45255 has more than four decimals"),
        (("2022", "decote_rate", "value"), "much", "schedules.2022.decote_rate.value is .much.; expected a number"),
        (("2023", "scale", "brackets", 1, "upper_limit"), "1", "limits of the brackets must be in ascending order"),
        (("2023", "scale", "brackets", -1, "upper_limit"), "10000000", "the last bracket"),
        (("2023",), [], "schedules.2023 is .*; expected an object"),
    ],
    ids=str,
)
def test_invalid_values_are_rejected(path: Path, path_in_data: tuple[Any, ...], value: Any, error: str) -> None:
    """A seeding rejects missing or invalid values with an error that names the value, and writes nothing."""
    with pytest.raises(ScheduleError, match=error):
        seed(path, figures=json.dumps(broken(path_in_data, value)))
    assert schedules().data == fetch_schedules(build_file_engine(path))


@pytest.mark.parametrize(
    ("figures", "error"),
    [
        ("", "not JSON"),  # an empty backup must cause an error, not a fallback to the data file
        ("[]", "the tax data is .*; expected an object"),
        ('{"parameters": {}, "schedules": {}}', "at least one schedule of an income year"),
    ],
)
def test_malformed_files_are_rejected(path: Path, figures: str, error: str) -> None:
    """A seeding rejects a malformed file and writes nothing."""
    with pytest.raises(ScheduleError, match=error):
        seed(path, figures=figures)
    assert schedules().data == fetch_schedules(build_file_engine(path))

"""Tests of the client and of `POST /` with generated tables, whose authors' intentions the generator records."""

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

from income_tax.households.parameters_and_decoders import HOUSEHOLD, JsonDecoder
from income_tax.households.validation import HouseholdSchema, ParameterError, build_household
from income_tax.http.requests.json_and_csv_body import BodyReader
from income_tax.http.responses import CSV
from tax_client.taxpayers.reader import BadLine, Reader, Taxpayer
from tax_client.user_errors import UserError
from tests.support.budget import budget
from tests.support.data import schedules
from tests.support.table_generator import TableGenerator

FILES, PAIRS = budget(2000, 20_000), budget(1000, 5000)
YEARS = schedules().years
SCHEMA = HouseholdSchema(HOUSEHOLD, JsonDecoder())
BODY_READER = BodyReader(1000, YEARS)
NOTHING = ("there is no household in the body", "there is no line that names the columns in the body")


def check(seed: int, seen: Counter[str]) -> None:
    """Compare the taxpayers and the bad lines of a generated file with the intentions of its author."""
    table, _ = TableGenerator(seed).generate()
    reader = Reader(io.BytesIO(table.content))
    try:
        lines = list(reader)
    except UserError as error:
        assert not table.is_clean, (seed, error)
        seen["refused"] += 1
        return
    read = {line.id: line.to_dict() for line in lines if isinstance(line, Taxpayer)}
    bad = [line.line for line in lines if isinstance(line, BadLine)]
    wrong = [values for number, values in read.items() if values != table.meant.get(number)]
    assert [] == wrong, (seed, table.content)
    found = reader.position
    others = found.headers + found.comments + found.blanks
    assert len(table.kinds) == found.line == len(read) + len(bad) + others, (seed, table.content)
    kept = {*bad, *(table.lines[number] for number in read)}
    lost = [number for number, kind in enumerate(table.kinds, 1) if kind == "household" and number not in kept]
    assert [] == lost, (seed, table.content)
    assert not table.is_clean or read == table.meant, (seed, table.content)
    seen.update({"calculated": len(read), "bad": len(bad), "clean": table.is_clean, "headers": found.headers})


def test_no_amount_is_read_that_nobody_wrote_and_no_line_is_lost() -> None:
    """Each taxpayer has the values that the author meant, and each line of a household is a taxpayer or a bad line.

    A table in documented forms is read completely. The counts of the lines add up.
    """
    seen = Counter[str]()
    for seed in range(FILES):
        check(seed, seen)
    assert seen["refused"] > FILES / 20, seen
    assert min(seen["clean"], seen["headers"] / 2, seen["calculated"] / 5, seen["bad"] / 2) > FILES / 10, seen


def read_by_client(content: bytes) -> list[tuple[Any, ...] | None] | str:
    """Return the households of a file, with None for each refused line, or the sentence that refuses the file."""
    try:
        lines = list(Reader(io.BytesIO(content)))
    except UserError as error:
        return str(error).removeprefix("taxpayers file: ")
    return [convert_taxpayer(line) if isinstance(line, Taxpayer) else None for line in lines]


def convert_taxpayer(taxpayer: Taxpayer) -> tuple[Any, ...] | None:
    """Convert a taxpayer to the household of the API, or None if its values contradict each other."""
    values = {name: value for name, value in taxpayer.to_dict().items() if name != "id"}
    try:
        household = build_household(SCHEMA.parse(values.items(), YEARS))
    except ParameterError:
        return None
    status = (household.year or 0, household.married, household.single_parent)
    return (*status, household.children, household.salary, household.spouse_salary)


def read_by_api(content: bytes) -> list[tuple[Any, ...] | None] | str:
    """Return the households of a body, with None for each refused line, or the sentence that refuses the body."""
    try:
        batch = BODY_READER.parse(CSV, content)
    except ParameterError as error:
        return error.errors[0]
    assert not isinstance(batch, dict)
    columns = batch.households
    rows: Iterator[tuple[Any, ...]] = zip(
        *(column.tolist() for column in (columns.year, columns.married, columns.single_parent)),
        *(column.tolist() for column in (columns.children, columns.salary, columns.spouse_salary)),
        strict=True,
    )
    return [None if place in batch.errors else row for place, row in enumerate(rows)]


def compare(seed: int) -> str:
    """Compare the answers of the client and of the API for a table. Return the kind of the answers."""
    table, without_id = TableGenerator(seed, may_omit_header=False, first_id=1000).generate()
    by_client, by_api = read_by_client(table.content), read_by_api(without_id)
    shown = (seed, by_client, by_api, without_id)
    if isinstance(by_client, str):
        assert isinstance(by_api, str), shown
        if by_client.startswith(("the content", "the lines")):  # the first wrong byte can be in the column of the ids
            assert by_client.partition(":")[0] == by_api.partition(":")[0], shown
        return "refused"
    if by_api in NOTHING:
        assert not any(by_client), shown
        return "empty"
    assert by_client == by_api, shown
    return "read"


def test_client_and_api_read_the_same_households() -> None:
    """The client and `POST /` accept the same lines of a table with the same values, and refuse the same lines.

    They refuse the same tables. They name other contents, such as UTF-16, by the same sentence.
    """
    seen = Counter(compare(seed) for seed in range(PAIRS))
    assert min(seen["read"] / 4, seen["refused"]) > PAIRS / 20, seen

"""Tests that compare the reader of JSON lines with an independent oracle. A grammar generates the files."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from tax_client.taxpayers.reader import BadLine, Reader, Taxpayer
from tax_client.user_errors import UserError
from tests.support.budget import budget
from tests.support.grammar import SPELLINGS, Grammar

EXAMPLES, FILES = budget(100, 1000), 6  # each file has about ten lines
REQUIRED = ["id", "married", "children", "salary"]
COLUMNS = [*REQUIRED, "year", "single_parent", "spouse_salary"]
NAMES = {name: SPELLINGS[name] for name in COLUMNS}
NAMED = {spelling: name for name, spellings in NAMES.items() for spelling in spellings}
WORD = "(?i:yes|oui|no|non)"
VALUES = {
    "id": "0*[0-9]{1,18}",
    "married": WORD,
    "children": "0|[1-9][0-9]?",
    "salary": "0|[1-9][0-9]{0,8}",
    "year": "0|[1-9][0-9]{0,3}",
    "single_parent": WORD,
    "spouse_salary": "0|[1-9][0-9]{0,8}",
}
NOTHING = re.compile(rb"[ \t]*(#.*)?\r?", re.DOTALL)
CLEAR = re.compile(
    r"expected UTF-8 text: .+|expected text without control characters: .+"
    r"|field \[id\]: expected a unique id, but \d+ is already on line \d+"
    r"|expected a JSON object with id, married, children, salary(, found .+)?"
    r"|(.+; )?expected each field once, either in English or in French"
    r"|(field \[.{0,80}\]: expected .+?(; |$))+",
    re.DOTALL,
)
Values = dict[str, str]


class Pairs(list[tuple[str, object]]):
    """A JSON object that keeps duplicate names."""


def is_whole(value: object) -> bool:
    """Return whether a value is a number such as 2.0."""
    return type(value) is float and abs(value) < 2**53 and value == int(value)


def parse_json(raw: bytes) -> Values | None:
    """Return a mapping from column name to value for a JSON line, or None if the line is invalid."""
    try:
        one = json.loads(raw.decode(), object_pairs_hook=Pairs)
    except ValueError:
        return None
    if type(one) is not Pairs or len({NAMED.get(name) for name, _ in one} - {None}) < len(one):
        return None
    if not all(value is None or type(value) in (int, str) or is_whole(value) for _, value in one):
        return None
    texts = [
        (NAMED[name], str(int(value) if type(value) is float else value).strip(" \t"))
        for name, value in one
        if value is not None
    ]
    values = {name: re.sub(r"(?<=[0-9])\.0$", "", text) for name, text in texts if text}
    is_valid = values.keys() >= set(REQUIRED) and all(
        re.fullmatch(VALUES[name], value, re.ASCII) for name, value in values.items()
    )
    return values if is_valid else None


def build_taxpayer(values: Values, year: int | None) -> Taxpayer:
    """Build a taxpayer from valid values."""
    yes = {name for name, value in values.items() if value.lower() in ("yes", "oui")}
    numbers = {name: int(value) for name, value in values.items() if VALUES[name] != WORD}
    words = {name: "yes" if name in yes else "no" for name in values if VALUES[name] == WORD}
    return Taxpayer(**({"year": year} | numbers | words))  # type: ignore[arg-type]


def list_significant(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the line number and the content of each line that is neither blank nor a comment."""
    for number, raw in enumerate(re.sub(rb"\A\xef\xbb\xbf", b"", content).split(b"\n"), start=1):
        if not NOTHING.fullmatch(raw):
            yield number, raw


def read_by_oracle(content: bytes, year: int | None) -> tuple[list[Taxpayer], list[int]]:
    """Return the taxpayers of a file in JSON lines, and the line numbers of its bad lines."""
    taxpayers: dict[int, Taxpayer] = {}
    bad = []
    for number, raw in list_significant(content):
        values = parse_json(raw)
        if values and int(values["id"]) not in taxpayers:
            taxpayers[int(values["id"])] = build_taxpayer(values, year)
        else:
            bad.append(number)
    return list(taxpayers.values()), bad


def compare(grammar: Grammar, seen: Counter[str]) -> None:
    """Compare the reader with the oracle on a file that the grammar generates."""
    content, year = grammar.json_file(), grammar.one_of([None, None, 2024])
    try:
        lines = list(Reader(io.BytesIO(content), "jsonl", year))
    except UserError as refused:
        assert re.match("taxpayers file: the content (is|has) ", str(refused))
        seen["refused"] += 1
        return
    bad = [line for line in lines if isinstance(line, BadLine)]
    found = [line for line in lines if isinstance(line, Taxpayer)], [line.line for line in bad]
    assert read_by_oracle(content, year) == found, content
    assert [] == [line.reason for line in bad if not CLEAR.fullmatch(line.reason)]
    seen["bad"] += len(bad)
    for line in lines:
        seen.update(["good", *line.to_dict()] if isinstance(line, Taxpayer) else [])


def test_the_reader_agrees_with_the_oracle() -> None:
    """The reader and the oracle find the same taxpayers and bad lines, and each bad line has a clear reason."""
    seen = Counter[str]()

    @settings(max_examples=EXAMPLES)
    @given(st.binary(min_size=2200, max_size=2200))
    def read(entropy: bytes) -> None:
        grammar = Grammar(entropy)
        for _ in range(FILES):
            compare(grammar, seen)

    read()
    assert seen["good"] + seen["bad"] > 20 * EXAMPLES
    # Check that the generated files have good and bad lines, and values in every column.
    assert seen.pop("refused") > EXAMPLES / 20, seen
    assert min(seen.values()) > EXAMPLES / 2, seen

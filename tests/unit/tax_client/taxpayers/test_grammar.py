"""Tests that compare the reader of taxpayers files with an independent oracle. A grammar generates the files."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence

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
    "children": "0*[0-9]{1,2}",
    "salary": "0*[0-9]{1,9}",
    "year": "0*[0-9]{1,4}",
    "single_parent": WORD,
    "spouse_salary": "0*[0-9]{1,9}",
}
NOTHING = re.compile(rb"[ \t]*(#.*)?\r?", re.DOTALL)
CLEAR = re.compile(
    r"expected UTF-8 text: .+|expected text without control characters: .+|expected the \w+ fields .+"
    r"|expected a closing quote at the end of each quoted cell: correct the quotes"
    r"|field \[id\]: expected a unique id, but \d+ is already on line \d+"
    r"|expected a JSON object with id, married, children, salary"
    r"|(.+; )?expected each field once, either in English or in French"
    r"|(field \[.{0,80}\]: expected .+?(; |$))+",
    re.DOTALL,
)
Values = dict[str, str]


class Columns:
    """A line parser for files with these columns. One pattern matches a whole line."""

    def __init__(self, names: Sequence[str], separator: str, quoted: bool) -> None:
        blanks = "[ ]*" if separator == "\t" else "[ \t]*"
        cells = []
        for name in names:
            value = f"({VALUES[name]})" + ("" if name in REQUIRED else "?")
            in_quotes = f'| *"[ \t]*{value}[ \t]*"' if quoted else ""
            cells.append(f"(?:{blanks}{value}{blanks}{in_quotes})")
        self._names = [name for name in names for _ in range(1 + quoted)]
        self._line = re.compile(f"[ ]*{separator.join(cells)}[ \t]*", re.ASCII)

    def read(self, raw: bytes) -> Values | None:
        """Return a mapping from column name to value, or None if the line is invalid."""
        found = self._line.fullmatch(raw.removesuffix(b"\r").decode("latin-1"))
        return found and {name: text for name, text in zip(self._names, found.groups(), strict=True) if text}


PLAIN = Columns(REQUIRED, ",", quoted=False)


def parse_header(line: bytes) -> Columns | None:
    """Return the columns of a header, or None for any other line. Raise ValueError if the columns are wrong."""
    text = line.decode("utf-8", "replace").strip(" \t\r").lower()
    for separator in ",;\t":
        spellings = [name.strip(" \t").strip('"') for name in text.split(separator)]
        names = [NAMED.get(name, "") for name in spellings]
        if any(names) and not any(name.isdigit() for name in spellings):
            if "" in names or len(set(names)) < len(names) or not set(names) >= set(REQUIRED):
                raise ValueError(text)
            return Columns(names, separator, quoted=True)
    return None


class Pairs(list[tuple[str, object]]):
    """A JSON object that keeps duplicate names."""


def parse_json(raw: bytes) -> Values | None:
    """Return a mapping from column name to value for a JSON line, or None if the line is invalid."""
    try:
        one = json.loads(raw.decode(), object_pairs_hook=Pairs)
    except ValueError:
        return None
    if type(one) is not Pairs or len({NAMED.get(name) for name, _ in one} - {None}) < len(one):
        return None
    if not all(value is None or type(value) in (int, str) for _, value in one):
        return None
    values = {NAMED[name]: str(value) for name, value in one if value not in (None, "")}
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


def read_by_oracle(content: bytes, form: str, year: int | None) -> tuple[list[Taxpayer], list[int]]:
    """Return the taxpayers of a file and the line numbers of its bad lines. Raise ValueError if the header is wrong."""
    lines = list(list_significant(content))
    as_json = form == "jsonl" or (form == "either" and bool(lines) and lines[0][1].lstrip(b" \t").startswith(b"{"))
    columns = parse_header(lines[0][1]) if lines and not as_json else None
    read = parse_json if as_json else (columns or PLAIN).read
    taxpayers: dict[int, Taxpayer] = {}
    bad = []
    for number, raw in lines[1 if columns else 0 :]:
        values = read(raw)
        if values and int(values["id"]) not in taxpayers:
            taxpayers[int(values["id"])] = build_taxpayer(values, year)
        else:
            bad.append(number)
    return list(taxpayers.values()), bad


def compare(grammar: Grammar, seen: Counter[str]) -> None:
    """Compare the reader with the oracle on a file that the grammar generates."""
    content, form = grammar.file()
    year = grammar.one_of([None, None, 2024])
    try:
        expected = read_by_oracle(content, form, year)
    except ValueError:
        expected = None
    try:
        lines = list(Reader(io.BytesIO(content), form, year))
    except UserError as refused:
        assert expected is None, content
        assert "the first line is a header with wrong columns" in str(refused)
        seen["wrong first lines"] += 1
        return
    bad = [line for line in lines if isinstance(line, BadLine)]
    assert expected == ([line for line in lines if isinstance(line, Taxpayer)], [line.line for line in bad]), content
    assert [] == [line.reason for line in bad if not CLEAR.fullmatch(line.reason)]
    seen[f"{form} bad"] += len(bad)
    for line in lines:
        seen.update([f"{form} good", *line.to_dict()] if isinstance(line, Taxpayer) else [])


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
    assert sum(count for kind, count in seen.items() if kind.endswith((" good", " bad"))) > 50 * EXAMPLES
    # Check that the generated files have good and bad lines in every format, and values in every column.
    assert seen.pop("wrong first lines") > EXAMPLES / 20, seen
    assert min(seen.values()) > EXAMPLES, seen

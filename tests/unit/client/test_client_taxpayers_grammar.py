"""The client's file parser against an oracle by other means, on files made by a grammar."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tax_client.errors import UserError
from tax_client.taxpayers.reader import BadLine, Reader, Taxpayer
from tests.support.budget import budget
from tests.support.grammar import SPELLINGS, Grammar

EXAMPLES, FILES = budget(100, 1000), 6  # of about ten lines
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
    r"|expected cells in quotes to end with a quote: correct them"
    r"|field \[id\]: expected an id of its own, \d+ is already on line \d+"
    r"|expected a JSON object with id, married, children, salary"
    r"|(.+; )?expected each field once, in English or in French"
    r"|(field \[.{0,80}\]: expected .+?(; |$))+",
    re.DOTALL,
)
Values = dict[str, str]


class Columns:
    """What a line of a file with these columns says, by one pattern for the whole line."""

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
        """The values by name; None when the line is no taxpayer."""
        found = self._line.fullmatch(raw.removesuffix(b"\r").decode("latin-1"))
        return found and {name: text for name, text in zip(self._names, found.groups(), strict=True) if text}


PLAIN = Columns(REQUIRED, ",", quoted=False)


def named(line: bytes) -> Columns | None:
    """The columns that a first line names; None when it names none. ValueError when it names wrong ones."""
    text = line.decode("utf-8", "replace").strip(" \t\r").lower()
    for separator in ",;\t":
        said = [name.strip(" \t").strip('"') for name in text.split(separator)]
        names = [NAMED.get(name, "") for name in said]
        if any(names) and not any(name.isdigit() for name in said):
            if "" in names or len(set(names)) < len(names) or not set(names) >= set(REQUIRED):
                raise ValueError(text)
            return Columns(names, separator, quoted=True)
    return None


class Pairs(list[tuple[str, object]]):
    """An object of JSON, a name that is there twice included."""


def of_json(raw: bytes) -> Values | None:
    """The values that a line of JSON says; None when it is no taxpayer."""
    try:
        one = json.loads(raw.decode(), object_pairs_hook=Pairs)
    except ValueError:
        return None
    if type(one) is not Pairs or len({NAMED.get(name) for name, _ in one} - {None}) < len(one):
        return None
    if not all(value is None or type(value) in (int, str) for _, value in one):
        return None
    said = {NAMED[name]: str(value) for name, value in one if value not in (None, "")}
    good = said.keys() >= set(REQUIRED) and all(re.fullmatch(VALUES[n], v, re.ASCII) for n, v in said.items())
    return said if good else None


def taxpayer_of(said: Values, year: int | None) -> Taxpayer:
    """The taxpayer of values that are good."""
    yes = {name for name, value in said.items() if value.lower() in ("yes", "oui")}
    numbers = {name: int(value) for name, value in said.items() if VALUES[name] != WORD}
    words = {name: "yes" if name in yes else "no" for name in said if VALUES[name] == WORD}
    return Taxpayer(**({"year": year} | numbers | words))  # type: ignore[arg-type]


def significant(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that say something, with their numbers."""
    for number, raw in enumerate(re.sub(rb"\A\xef\xbb\xbf", b"", content).split(b"\n"), start=1):
        if not NOTHING.fullmatch(raw):
            yield number, raw


def oracle(content: bytes, form: str, year: int | None) -> tuple[list[Taxpayer], list[int]]:
    """The taxpayers of a file, and the numbers of its bad lines. ValueError when its first line is a wrong one."""
    lines = list(significant(content))
    as_json = form == "jsonl" or (form == "either" and bool(lines) and lines[0][1].lstrip(b" \t").startswith(b"{"))
    columns = named(lines[0][1]) if lines and not as_json else None
    read = of_json if as_json else (columns or PLAIN).read
    taxpayers: dict[int, Taxpayer] = {}
    bad = []
    for number, raw in lines[1 if columns else 0 :]:
        said = read(raw)
        if said and int(said["id"]) not in taxpayers:
            taxpayers[int(said["id"])] = taxpayer_of(said, year)
        else:
            bad.append(number)
    return list(taxpayers.values()), bad


def compare(grammar: Grammar, seen: Counter[str]) -> None:
    """Read a file of the grammar both ways."""
    content, form = grammar.file()
    year = grammar.one_of([None, None, 2024])
    try:
        expected = oracle(content, form, year)
    except ValueError:
        expected = None
    try:
        lines = list(Reader(io.BytesIO(content), form, year))
    except UserError as refused:
        assert expected is None, content
        assert "its first line names columns" in str(refused)
        seen["wrong first lines"] += 1
        return
    bad = [line for line in lines if isinstance(line, BadLine)]
    assert expected == ([line for line in lines if isinstance(line, Taxpayer)], [line.line for line in bad]), content
    assert [] == [line.reason for line in bad if not CLEAR.fullmatch(line.reason)]
    seen[f"{form} bad"] += len(bad)
    for line in lines:
        seen.update([f"{form} good", *line.given()] if isinstance(line, Taxpayer) else [])


def test_every_file_of_the_grammar_is_what_the_oracle_says() -> None:
    """Thousands of lines, half of them valid: the same taxpayers in the same order, or a clear reason for each line."""
    seen = Counter[str]()

    @settings(max_examples=EXAMPLES)
    @given(st.binary(min_size=2200, max_size=2200))
    def read(entropy: bytes) -> None:
        grammar = Grammar(entropy)
        for _ in range(FILES):
            compare(grammar, seen)

    read()
    assert sum(count for kind, count in seen.items() if kind.endswith((" good", " bad"))) > 50 * EXAMPLES
    # In every form there are good lines and bad ones, and every column is filled.
    assert seen.pop("wrong first lines") > EXAMPLES / 20, seen
    assert min(seen.values()) > EXAMPLES, seen

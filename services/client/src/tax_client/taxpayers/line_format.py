"""The columns of a taxpayers file: which there are, what each may hold, and what a line of them says."""

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .cells import LIMITS, read_whole, read_yes_no

FIELDS = ("id", "married", "children", "salary")  # of a file without a header
ALIASES = {
    "marie": "married",
    "marié": "married",
    "enfants": "children",
    "salaire": "salary",
    "annee": "year",
    "année": "year",
    "parent_isole": "single_parent",
    "parent_isolé": "single_parent",
    "salaire_conjoint": "spouse_salary",
}
BLANKS = " \t"
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# What most lines hold, and nothing that the careful way would refuse or read otherwise.
PLAIN = {name: rb"[0-9]{1,%d}" % len(str(limit)) for name, limit in LIMITS.items()} | dict.fromkeys(
    ("married", "single_parent"), rb"yes|no"
)
WORDS = {b"yes": "yes", b"no": "no"}


def composed(name: str) -> str:
    """The name with its accents composed (Unicode's form C), as the aliases have them: some write them apart."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


class Taxpayer(NamedTuple):
    """One household of the file; married and single_parent are "yes" or "no", salaries are in euros a year.

    What is None was not given; without a year the rules of version 7 hold.
    """

    id: int
    married: str
    children: int
    salary: int
    year: int | None = None
    single_parent: str | None = None
    spouse_salary: int | None = None

    def given(self) -> dict[str, Any]:
        """What was given, by name, the id first."""
        return {name: value for name, value in self._asdict().items() if value is not None}


COLUMNS = Taxpayer._fields
OPTIONAL = frozenset(COLUMNS[len(FIELDS) :])


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a file, in its order, what separates them, and the year of lines that give none."""

    columns: tuple[str, ...] = FIELDS
    separator: str = ","
    year: int | None = None
    quoted: bool = False  # cells may stand in quotes
    quick: "re.Pattern[bytes]" = field(init=False, repr=False, compare=False)  # of a whole line, its end included

    def __post_init__(self) -> None:
        pieces = [b"(?P<%b>%b)%b" % (n.encode(), PLAIN[n], b"?" * (n in OPTIONAL)) for n in self.columns]
        absent = [b"(?P<%b>)" % name.encode() for name in COLUMNS if name not in self.columns]
        line = re.escape(self.separator.encode()).join(pieces) + rb"\r?\n?" + b"".join(absent)
        object.__setattr__(self, "quick", re.compile(line))

    @property
    def dated(self) -> bool:
        """Whether lines may ask for the law of a year."""
        return self.year is not None or bool(OPTIONAL & set(self.columns))

    def taxpayer(self, found: "re.Match[bytes]") -> Taxpayer:
        """The taxpayer of a line that `quick` matches: the one that `parse` gives, sooner."""
        number, married, children, salary, year, alone, spouse = found.group(*COLUMNS)
        return Taxpayer(
            int(number),
            WORDS[married],
            int(children),
            int(salary),
            int(year) if year else self.year,
            WORDS[alone] if alone else None,
            int(spouse) if spouse else None,
        )

    def parse(self, line: bytes) -> Taxpayer:
        """The taxpayer of a line without its end. Raises ValueError, which lists every wrong field."""
        return read_values(dict(zip(self.columns, self._split(line), strict=True)), self.year)

    def _split(self, line: bytes) -> list[str]:
        """The fields of a line, blanks around them removed. Raises ValueError."""
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise ValueError("expected UTF-8 text: save the file as UTF-8") from None
        if CONTROL.search(text):
            raise ValueError("expected text without control characters: remove them")
        values = [value.strip(BLANKS) for value in self._cells(text)]
        while self.separator == "\t" and len(values) > len(self.columns) and not values[-1]:
            values.pop()  # blanks at the end of a line
        names, wanted = self.columns, f"expected the {spelled(len(self.columns))} fields {','.join(self.columns)}"
        if len(values) < len(names):
            missing = " ".join(f"[{name}]" for name in names[len(values) :])
            raise ValueError(f"{wanted}, found {len(values)}: missing {missing}")
        if len(values) > len(names):
            raise ValueError(f"{wanted}, found {len(values)}: too many after [{names[-1]}]")
        return values

    def _cells(self, text: str) -> list[str]:
        """The cells of a line; quotes are those of CSV, but in a file without a header. Raises ValueError."""
        if '"' not in text or not self.quoted:
            return text.split(self.separator)
        try:
            return next(csv.reader([text], delimiter=self.separator, skipinitialspace=True, strict=True))
        except csv.Error:
            raise ValueError("expected cells in quotes to end with a quote: correct them") from None


def spelled(number: int) -> str:
    """A number of columns as a word."""
    return {4: "four", 5: "five", 6: "six", 7: "seven"}[number]


def read_values(values: Mapping[str, str], year: int | None) -> Taxpayer:
    """The taxpayer of a line's texts by column. Raises ValueError, which lists every wrong field."""
    problems: list[str] = []
    read: dict[str, Any] = {"year": year}
    for name, text in values.items():
        if name in OPTIONAL and not text:
            continue
        parse = read_whole if name in LIMITS else read_yes_no
        read[name] = parse(name, text, problems)
    if problems:
        raise ValueError("; ".join(problems))
    return Taxpayer(**read)

"""The columns of a taxpayers file, and the parsers of its header and its lines."""

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tax_client.user_errors import UserError
from tax_common.text_formatting import truncate_with_length

# The required columns. A file without a header has exactly these columns.
FIELDS = ("id", "married", "children", "salary")
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
YES_NO = {"yes": "yes", "oui": "yes", "no": "no", "non": "no"}
ID_MAX, CHILDREN_MAX, SALARY_MAX, YEAR_MAX = 10**18 - 1, 99, 999_999_999, 9999  # the API's limits; ids fit in 64 bits
LIMITS = {"id": ID_MAX, "children": CHILDREN_MAX, "salary": SALARY_MAX, "year": YEAR_MAX, "spouse_salary": SALARY_MAX}
SEPARATORS = (",", ";", "\t")
BLANKS = " \t"
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# Maps each column to the pattern of the cells that the fast path can parse. The fast path parses most lines. The slow
# path accepts more spellings, such as "oui".
PLAIN = {name: rb"[0-9]{1,%d}" % len(str(limit)) for name, limit in LIMITS.items()} | dict.fromkeys(
    ("married", "single_parent"), rb"yes|no"
)
WORDS = {b"yes": "yes", b"no": "no"}
VALUE_SHOWN = 40  # an error message quotes at most this number of characters of a value or name
SPELLED = {4: "four", 5: "five", 6: "six", 7: "seven"}


class Taxpayer(NamedTuple):
    """One household. `married` and `single_parent` are "yes" or "no"; salaries are in euros per year.

    An optional field is None if the line does not contain it. If `year` is None, the tutorial's rules (v7) apply.
    """

    id: int
    married: str
    children: int
    salary: int
    year: int | None = None
    single_parent: str | None = None
    spouse_salary: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary of the fields that are not None, beginning with the id."""
        return {name: value for name, value in self._asdict().items() if value is not None}


COLUMNS = Taxpayer._fields
OPTIONAL = frozenset(COLUMNS[len(FIELDS) :])


@dataclass(frozen=True, slots=True)
class LineFormat:
    """The columns of a file in their order, the separator, and the year that applies to lines without a year."""

    columns: tuple[str, ...] = FIELDS
    separator: str = ","
    year: int | None = None
    quoted: bool = False  # whether quotes around cells are allowed
    # Matches a whole line, including the line break.
    fast_pattern: "re.Pattern[bytes]" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        cells = [b"(?P<%b>%b)%b" % (n.encode(), PLAIN[n], b"?" * (n in OPTIONAL)) for n in self.columns]
        absent = [b"(?P<%b>)" % name.encode() for name in COLUMNS if name not in self.columns]
        line = re.escape(self.separator.encode()).join(cells) + rb"\r?\n?" + b"".join(absent)
        object.__setattr__(self, "fast_pattern", re.compile(line))

    @property
    def is_dated(self) -> bool:
        """True if the law of a year, instead of the tutorial's rules (v7), can apply to a line."""
        return self.year is not None or bool(OPTIONAL & set(self.columns))

    def build_taxpayer(self, match: "re.Match[bytes]") -> Taxpayer:
        """Build the taxpayer from a match of `fast_pattern`. For the same line, `parse` returns an equal taxpayer."""
        number, married, children, salary, year, single_parent, spouse_salary = match.group(*COLUMNS)
        return Taxpayer(
            int(number),
            WORDS[married],
            int(children),
            int(salary),
            int(year) if year else self.year,
            WORDS[single_parent] if single_parent else None,
            int(spouse_salary) if spouse_salary else None,
        )

    def parse(self, line: bytes) -> Taxpayer:
        """Parse a line that has no line break. Raises ValueError with a message that lists every wrong field."""
        return parse_values(dict(zip(self.columns, self._split(line), strict=True)), self.year)

    def _split(self, line: bytes) -> list[str]:
        """Split a line into cells and strip the blanks around each cell. Raises ValueError if the line is invalid."""
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise ValueError("expected UTF-8 text: save the file as UTF-8") from None
        if CONTROL.search(text):
            raise ValueError("expected text without control characters: remove them")
        cells = [cell.strip(BLANKS) for cell in self._split_cells(text)]
        while self.separator == "\t" and len(cells) > len(self.columns) and not cells[-1]:
            cells.pop()  # a trailing tab causes an empty cell at the end
        names, wanted = self.columns, f"expected the {SPELLED[len(self.columns)]} fields {','.join(self.columns)}"
        if len(cells) < len(names):
            missing = " ".join(f"[{name}]" for name in names[len(cells) :])
            raise ValueError(f"{wanted}, found {len(cells)}: missing {missing}")
        if len(cells) > len(names):
            raise ValueError(f"{wanted}, found {len(cells)}: too many after [{names[-1]}]")
        return cells

    def _split_cells(self, text: str) -> list[str]:
        """Split a line at each separator that is not inside CSV quotes. Raises ValueError if a quote is not closed."""
        if '"' not in text or not self.quoted:
            return text.split(self.separator)
        try:
            return next(csv.reader([text], delimiter=self.separator, skipinitialspace=True, strict=True))
        except csv.Error:
            raise ValueError("expected a closing quote at the end of each quoted cell: correct the quotes") from None


def parse_header(line: bytes, year: int | None) -> LineFormat | None:
    """Return the format that a header defines, or None if the line is not a header.

    Raises UserError if the header names wrong columns.
    """
    text = normalize_name(line.decode(errors="replace").lower())
    for separator in SEPARATORS:
        names = [name.strip(BLANKS).strip('"') for name in text.split(separator)]
        columns = [ALIASES.get(name, name) for name in names]
        if any(name in COLUMNS for name in columns) and not any(name.isdigit() for name in names):
            check_columns(columns, "" if "\ufffd" not in text else ": save the file as UTF-8")
            return LineFormat(tuple(columns), separator, year, quoted=True)
    return None


def check_columns(columns: Sequence[str], advice: str = "") -> None:
    """Check the columns of a header. `advice` is appended to the error message.

    Raises UserError if columns are unknown, repeated or missing.
    """
    problems = {
        "unknown": [name for name in columns if name not in COLUMNS],
        "repeated": sorted({name for name in columns if columns.count(name) > 1}),
        "missing": [name for name in FIELDS if name not in columns],
    }
    for problem, names in problems.items():
        if names:
            found = " ".join(f"[{truncate_with_length(name, VALUE_SHOWN)}]" for name in names)
            known = f"the columns {','.join(FIELDS)} and optionally {','.join(COLUMNS[len(FIELDS) :])}"
            message = f"the first line is a header with wrong columns ({problem} {found}): expected {known}{advice}"
            raise UserError(f"taxpayers file: {message}")


def normalize_name(name: str) -> str:
    """Convert a name to Unicode's form C, which ALIASES uses. Some editors write accents in another form."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def parse_values(values: Mapping[str, str], year: int | None) -> Taxpayer:
    """Parse a mapping from columns to cells. `year` applies if no cell holds a year. Raises ValueError on failure."""
    problems: list[str] = []
    fields: dict[str, Any] = {"year": year}
    for name, text in values.items():
        if text or name not in OPTIONAL:
            fields[name] = (parse_whole_number if name in LIMITS else parse_yes_no)(name, text, problems)
    if problems:
        raise ValueError("; ".join(problems))
    return Taxpayer(**fields)


def parse_yes_no(name: str, text: str, problems: list[str]) -> str:
    """Convert yes, oui, no or non to "yes" or "no". For any other text, add a message to `problems` and return ""."""
    if text.lower() not in YES_NO:
        found = truncate_with_length(text, VALUE_SHOWN)
        problems.append(f"field [{name}]: expected yes, no, oui or non, found [{found}]")
    return YES_NO.get(text.lower(), "")


def parse_whole_number(name: str, text: str, problems: list[str]) -> int:
    """Parse a whole number in ASCII digits. For any other text, add a message to `problems` and return 0."""
    limit, digits = LIMITS[name], text.lstrip("0") or text[-1:]
    # Check the length before calling int(), because int() raises an error for thousands of digits.
    if text.isascii() and text.isdigit() and len(digits) <= len(str(limit)) and int(digits) <= limit:
        return int(digits)
    found = truncate_with_length(text, VALUE_SHOWN)
    problems.append(f"field [{name}]: expected a number from 0 to {limit} in plain digits, found [{found}]")
    return 0

"""Headers, which name the columns of a table, and lines that look like headers but cannot be used."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .cells import SEPARATORS, split_cells
from .household_columns import YES_NO, Column, Vocabulary, normalize_name
from .row_format import RowFormat, quote

WORDS = re.compile(r"[^\W\d_]+")
VALUE_WORDS = {*YES_NO, "nan"}
YEAR_NAME = re.compile(r"(?:19|20)[0-9]{2}")
MISSING = ("n/a", "na", "null", "none")
SEPARATOR_LINE = re.compile(r'"?sep=(.?)"?[\s,;]*', re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """The names of a line that is read as a header, with the separator under which most names are known."""

    vocabulary: Vocabulary
    spelled: tuple[str, ...]
    separator: str

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The normalized names, without an index column before and without empty columns after the named columns."""
        names = [normalize_name(name) for name in self.spelled]
        while names and not names[-1]:
            names.pop()
        return tuple(names[self.has_index :])

    @property
    def has_index(self) -> bool:
        """True if the first column has no name, as the index that pandas writes."""
        return len(self.spelled) > 1 and not self.spelled[0]

    @cached_property
    def columns(self) -> tuple[Column | None, ...]:
        """The columns of the names. An unknown name has None."""
        return tuple(self.vocabulary.by_name.get(name) for name in self.names)

    @property
    def known(self) -> int:
        """The number of known names."""
        return sum(column is not None for column in self.columns)

    @property
    def has_values(self) -> bool:
        """True if a name is a number or a word for a missing value."""
        return any(is_value(name) for name in self.names)

    def list_problems(self) -> dict[str, list[str]]:
        """Return the unknown, the repeated and the missing names. A usable header has no problem."""
        counts = Counter(column.name for column in self.columns if column)
        problems = {
            "unknown": [name for name, column in zip(self.names, self.columns, strict=True) if column is None],
            "repeated": sorted(name for name, count in counts.items() if count > 1),
            "missing": [name for name in self.vocabulary.required if name not in counts],
        }
        return {problem: names for problem, names in problems.items() if names}

    def describe_problems(self) -> str:
        """Describe the wrong names and the expected names for an error message."""
        problems = self.list_problems().items()
        texts = [f"{problem} {' '.join(f'[{quote(name)}]' for name in names)}" for problem, names in problems]
        return f"a header with wrong columns ({'; '.join(texts)}): {self.vocabulary.describe_header()}"

    def build_format(self) -> RowFormat | None:
        """Build the format of the lines below this header. Return None if the header cannot be used."""
        if self.list_problems():
            return None
        columns = tuple(column for column in self.columns if column)
        return RowFormat(self.vocabulary, columns, self.names, self.separator, self.has_index)


def find_header(text: str, vocabulary: Vocabulary) -> Header | None:
    """Read a line as a header. Return None if none of its words can be a name."""
    if {word.lower() for word in WORDS.findall(text)} <= VALUE_WORDS:
        return None
    headers = [Header(vocabulary, tuple(cells), separator) for separator, cells in split_by_each_separator(text)]
    return max(headers, key=lambda header: (header.known, len(header.names)), default=None)


def split_by_each_separator(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each separator with the cells of a line. Omit separators for which the quotes are wrong."""
    for separator in SEPARATORS:
        try:
            yield separator, split_cells(text, separator)[0]
        except ValueError:
            continue


def find_cell_error(text: str) -> str:
    """Return in parentheses why the most frequent separator cannot split a line, such as a wrong quote, or ""."""
    try:
        split_cells(text, max(SEPARATORS, key=text.count))
    except ValueError as error:
        return f" ({error})"
    return ""


def looks_like_header(header: Header, current: RowFormat) -> bool:
    """Return whether a line below another header is probably a header, whose names can be unknown.

    A line with one known name and numbers is no header, because the name can be a wrong value. Any other line without a
    value is a header. Values are numbers, words for missing values, and yes or no where the current format has them.
    Years outside the column `year` are no values if most cells are words, because they can name columns.
    """
    filled = [name for name in header.names if name]
    columns = enumerate(current.columns, current.has_index - header.has_index)
    has_places = header.separator == current.separator  # otherwise the cells do not belong to the current columns
    places = {place for place, column in columns if has_places and column.name == "year"}
    years = [name for place, name in enumerate(header.names) if YEAR_NAME.fullmatch(name) and place not in places]
    has_values = any(is_value(name) and name not in years for name in filled) or 0 < len(filled) <= 2 * len(years)
    if header.known:
        return header.known > 1 or not has_values
    pairs = zip(current.columns, header.names, strict=False) if len(header.names) == len(current.columns) else ()
    return len(filled) > 1 and not has_values and not any(c.limit is None and name in YES_NO for c, name in pairs)


def is_value(name: str) -> bool:
    """Return whether a cell is a number or a word for a missing value, so that it names no column."""
    try:
        float(name)
    except ValueError:
        is_number = any(c.isdigit() for c in name) and not any(c.isalpha() for c in name)
        return is_number or name in MISSING or name.startswith("#")
    return True

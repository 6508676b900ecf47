"""The columns of the lines below a header, and the parser of these lines."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tax_common.text_formatting import show_invisible, truncate_with_length

from .cells import split_cells
from .household_columns import Column, Vocabulary

VALUE_SHOWN = 40  # an error message quotes at most this number of characters of a value or name
SPELLED = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}
NOT_A_NUMBER = ("NaN", "nan")  # pandas writes these words for missing values
# Two adjacent cells of this form can be the two halves of one number with a comma, such as 50,250 or 50,250.0.
GROUP_BEGIN, GROUP_END = re.compile(r"[1-9][0-9]{0,2}"), re.compile(r"[0-9]{3}(?:\.0)?")
NO_GROUP = rb"(?![1-9][0-9]{0,2},[0-9]{3}(?![0-9]))"


@dataclass(frozen=True)
class RowFormat:
    """The columns of lines in their order, the names that their header uses, and the separator.

    If `has_index` is true, a column without a name, whose cells are ignored, precedes all others.
    """

    vocabulary: Vocabulary
    columns: tuple[Column, ...]
    names: tuple[str, ...]
    separator: str
    has_index: bool = False

    @cached_property
    def fast_pattern(self) -> "re.Pattern[bytes]":
        """The pattern of a whole line in the usual spelling, with one group for each column of the vocabulary."""
        cells = [self._build_pattern(place) for place in range(len(self.columns))]
        absent = [b"(?P<%b>)" % c.name.encode() for c in self.vocabulary.columns if c not in self.columns]
        # Without a maximum, the beginning of a line over LINE_MAX, such as an incomplete salary, could match as a line.
        index = rb'[^ "#%b\x00-\x1f\x7f-\xff][^"%b\x00-\x1f\x7f-\xff]{0,99}' % ((self.separator.encode(),) * 2)
        line = re.escape(self.separator.encode()).join([index] * self.has_index + cells) + rb"\r?\n?" + b"".join(absent)
        return re.compile(line)

    def _build_pattern(self, place: int) -> bytes:
        """Build the pattern of one cell."""
        column = self.columns[place]
        cell = b"(?P<%b>%b)" % (column.name.encode(), column.plain if column.is_required else column.plain + b"|")
        return NO_GROUP + cell if self._may_split_number(place) else cell

    def _may_split_number(self, place: int) -> bool:
        """Return whether the cells at a position and after it can be two halves of one amount with a comma."""
        pair = self.columns[place : place + 2]
        return self.separator == "," and len(pair) == 2 and pair[0].is_amount and pair[1].limit is not None

    def split(self, text: str) -> list[str]:
        """Split a line into one cell for each column. A missing value is an empty cell.

        Empty cells after the last column are ignored, because spreadsheets leave them. Raises ValueError if the line
        has another number of cells, or if a number is possibly split at its comma.
        """
        cells, quoted = split_cells(text, self.separator)
        if self.has_index:
            cells, quoted = cells[1:], {place - 1 for place in quoted}
        width = len(self.columns)
        while len(cells) > width and not cells[-1]:
            cells.pop()
        names = [column.name for column in self.columns]
        wanted = f"expected the {SPELLED[width]} fields {','.join(names)}, found {len(cells)}"
        if len(cells) < width:
            raise ValueError(f"{wanted}: missing {' '.join(f'[{name}]' for name in names[len(cells) :])}")
        if len(cells) > width:
            raise ValueError(f"{wanted}: too many after [{names[-1]}]")
        for place in range(width - 1):
            if self._may_split_number(place) and not {place, place + 1} & quoted:
                check_number_is_whole(*names[place : place + 2], *cells[place : place + 2])
        return ["" if cell in NOT_A_NUMBER else cell for cell in cells]

    def parse(self, cells: Sequence[str]) -> dict[str, int | str]:
        """Parse the cells of a line into a mapping from column names to values. Omit missing values.

        Raises ValueError with a message that lists every wrong field.
        """
        return parse_values(zip(self.columns, cells, strict=True))


def check_number_is_whole(first: str, second: str, begin: str, end: str) -> None:
    """Raise ValueError if the cells of an amount and of the number after it look like one number with a comma."""
    if GROUP_BEGIN.fullmatch(begin) and GROUP_END.fullmatch(end):
        raise ValueError(
            f"fields [{first}] and [{second}]: expected numbers without thousands separators, found [{begin},{end}]: "
            "remove the comma from one number, or put quotes around two numbers"
        )


def parse_values(cells: Iterable[tuple[Column, str]]) -> dict[str, int | str]:
    """Parse pairs of a column and a cell into a mapping from column names to values. Omit missing optional values.

    Raises ValueError with a message that lists every wrong field.
    """
    values: dict[str, int | str] = {}
    problems = []
    for column, cell in cells:
        if not cell and not column.is_required:
            continue
        if (value := column.parse(cell)) is None:
            is_padded = column.limit is not None and not column.is_identifier and cell.isdigit() and cell[0] == "0"
            remedy = ": remove the leading zeros" if is_padded else ""
            problems.append(f"field [{column.name}]: expected {column.expected}, found [{quote(cell)}]{remedy}")
        else:
            values[column.name] = value
    if problems:
        raise ValueError("; ".join(problems))
    return values


def quote(text: str) -> str:
    """Shorten a value or a name for an error message, and show its invisible characters."""
    return show_invisible(truncate_with_length(text, VALUE_SHOWN))

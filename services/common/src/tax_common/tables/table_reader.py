"""The reader of the lines of a table. It follows headers, and separates values from comments and blank lines."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from tax_common.text_formatting import show_invisible, truncate_with_length

from .cells import EMPTY_LINE, SEPARATORS, count_cells, decode_line
from .content_kind import find_json_kind
from .damaged_header import is_damaged_header
from .header import SEPARATOR_LINE, Header, find_cell_error, find_header, looks_like_header, split_by_each_separator
from .household_columns import Vocabulary
from .row_format import RowFormat, quote

COMMENTS_MAX = 100  # maximum number of lines before the header that begin with # and have as many cells as a header
UNCOMMENT = "remove the # if the line names the columns, otherwise remove the line"
WRONG_COMMENT = "expected a comment with fewer cells than the header: remove the # or the separators"
TEXT_SHOWN = 60  # the error for the first line quotes at most this number of characters


class Kind(Enum):
    """The kinds of lines without a household."""

    BLANK, COMMENT, HEADER = "blank", "comment", "header"


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one line, in the order of the columns of its format. A missing value is an empty cell."""

    format: RowFormat
    cells: list[str]


class UnusableTable(Exception):
    """No line can be read, because the first line is neither a header nor a household. The message names the remedy.

    `header` is the first line as a header with wrong columns, or None if the line is no header.
    """

    def __init__(self, message: str, header: Header | None = None) -> None:
        super().__init__(message)
        self.header = header


@dataclass(frozen=True, slots=True)
class EarlyComment:
    """A line before the header that begins with #. `header` is the line without the # as a header."""

    line: int
    text: str
    header: Header | None


@dataclass
class TableReader:
    """Reads the lines of a table one by one.

    A header names the columns of the lines below it, up to the next header. If `default_names` are given, a table
    without a header is a table with these columns, provided that its first line is a valid household.
    """

    vocabulary: Vocabulary
    default_names: tuple[str, ...] = ()
    format: RowFormat | None = None  # the columns of the next line; None before the first header
    # Raises ValueError if a later header cannot be used.
    check_later_header: Callable[[RowFormat], object] = bool
    # The early comments that were found to have as many cells as the header. The caller reports and removes them.
    wrong_comments: list[EarlyComment] = field(default_factory=list)
    _early: list[EarlyComment] = field(default_factory=list)
    _unusable_line: int = 0  # the line of a header that cannot be used, if no usable header follows it

    @property
    def fast_pattern(self) -> "re.Pattern[bytes] | None":
        """The pattern of most lines of the current format. Lines without a match can be valid too."""
        return self.format.fast_pattern if self.format and not self._unusable_line else None

    def read(self, raw: bytes, number: int) -> Row | Kind:
        """Read a line. `number` is its line number, which starts at 1.

        Raises ValueError if the line is neither a household nor a header, comment or blank line. Raises UnusableTable
        if the line is the first of these lines.
        """
        try:
            text = decode_line(raw)
            if EMPTY_LINE.fullmatch(text):
                return Kind.BLANK
            if text.lstrip(" ").startswith("#"):
                return self._read_comment(text, number)
            return self._read_content(text, number, self.format) if self.format else self._read_first(text, number)
        except ValueError as error:
            if self.format:
                if is_damaged_header(raw, self.vocabulary, self.format):
                    self._unusable_line = number
                raise
            raise UnusableTable(f"line {number}: {error}") from None

    def finish(self) -> None:
        """Compare the early comments with the required columns, if the table has no other line."""
        if not self.format:
            self._release_comments(len(self.vocabulary.required), SEPARATORS)

    def _read_comment(self, text: str, number: int) -> Kind:
        """Read a line that begins with #. Raises ValueError if it is a header, or has as many cells as the header."""
        header = find_header(text.lstrip("# "), self.vocabulary)
        if not self.format:
            if header and not header.list_problems():
                raise UnusableTable(f"line {number} is a header behind a #: {UNCOMMENT}")
            self._keep_early(EarlyComment(number, text, header))
        elif (header and not header.list_problems()) or self._has_cells_of_row(text, self.format):
            if header and looks_like_header(header, self.format):
                self._unusable_line = number
            raise ValueError(WRONG_COMMENT)
        return Kind.COMMENT

    def _has_cells_of_row(self, text: str, current: RowFormat) -> bool:
        """Return whether a line has as many cells as the header, or as the smallest header if it is unknown."""
        width = len(self.vocabulary.required if self._unusable_line else current.columns)
        return count_cells(text, SEPARATORS if self._unusable_line else [current.separator]) >= width

    def _keep_early(self, comment: EarlyComment) -> None:
        """Keep a comment before the header if it can have as many cells as the header. Raises UnusableTable."""
        if count_cells(comment.text, SEPARATORS) >= len(self.vocabulary.required):
            self._early.append(comment)
        if len(self._early) > COMMENTS_MAX:
            found = f"more than {COMMENTS_MAX} lines before the header begin with # and have cells"
            raise UnusableTable(f"{found}: {UNCOMMENT}")

    def _release_comments(self, width: int, separators: Sequence[str]) -> None:
        """Move the early comments that have as many cells as the header to `wrong_comments`."""
        self.wrong_comments = [one for one in self._early if count_cells(one.text, separators) >= width]
        self._early = []

    def _check_commented_header(self, current: RowFormat) -> None:
        """Raise UnusableTable if a comment above a table without a header looks like the header."""
        for comment in self.wrong_comments:
            if comment.header and looks_like_header(comment.header, current):
                raise UnusableTable(f"line {comment.line} looks like a header behind a #: {UNCOMMENT}")

    def _read_content(self, text: str, number: int, current: RowFormat) -> Row | Kind:
        """Read a line below a header."""
        if header := find_header(text, self.vocabulary):
            if found := header.build_format():
                self._unusable_line = number  # in case that the check fails
                self.check_later_header(found)
                self.format, self._unusable_line = found, 0
                return Kind.HEADER
            if looks_like_header(header, current):
                self._unusable_line = number
                raise ValueError(f"expected a household, found {header.describe_problems()}")
        if self._unusable_line:
            raise ValueError(
                f"expected a header above this line, because line {self._unusable_line} is a header that cannot be "
                f"used: correct line {self._unusable_line}"
            )
        return Row(current, current.split(text))

    def _read_first(self, text: str, number: int) -> Row | Kind:
        """Read the first line that is neither blank nor a comment. Raises UnusableTable."""
        if json := find_json_kind(text.lstrip()):
            raise UnusableTable(json)
        if found := SEPARATOR_LINE.fullmatch(text):
            if found[1] in SEPARATORS or not found[1]:
                return Kind.HEADER
            raise ValueError(
                f"expected one of the separators , and ; and tab, found [{quote(found[1])}]: use one of them"
            )
        header = find_header(text, self.vocabulary)
        if header and (usable := header.build_format()):
            self._release_comments(len(usable.columns), [usable.separator])
            self.format = usable
            return Kind.HEADER
        return self._read_without_header(text, number, header)

    def _read_without_header(self, text: str, number: int, header: Header | None) -> Row:
        """Read the first line in the default order. Raises UnusableTable if it is no valid household."""
        reason = find_cell_error(text)
        if header and header.known:
            raise UnusableTable(f"line {number} is {header.describe_problems()}", header)
        if self.default_names:
            columns = tuple(self.vocabulary.by_name[name] for name in self.default_names)
            for separator, cells in split_by_each_separator(text):
                found = RowFormat(self.vocabulary, columns, self.default_names, separator)
                try:
                    row = Row(found, found.split(text))
                    found.parse(row.cells)
                except ValueError as error:
                    if len(cells) > 1 and not (header and not header.has_values):
                        reason = f" ({error})"
                    continue
                self._release_comments(len(columns), [separator])
                self._check_commented_header(found)
                self.format = found
                return row
        shown = show_invisible(truncate_with_length(text.strip(), TEXT_SHOWN))
        order, remedy = ",".join(self.default_names), self.vocabulary.describe_header()
        wanted = f"neither a header nor a household in the order {order}" if order else "not a header"
        raise UnusableTable(f"line {number} [{shown}] is {wanted}{reason}: {remedy}", header)

"""The reader of a taxpayers file. It yields households and bad lines in the order of the file."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from tax_client.user_errors import UserError, build_file_error
from tax_common.tables.cells import LINE_MAX, decode_line
from tax_common.tables.content_kind import BOM, HEAD, find_json_kind, find_wrong_kind
from tax_common.tables.row_format import RowFormat
from tax_common.tables.table_reader import WRONG_COMMENT, Kind, TableReader, UnusableTable
from tax_common.text_formatting import truncate_with_length

from .columns_and_values import COLUMNS, FIELDS, OPTIONAL, VOCABULARY, Taxpayer, build_plain_taxpayer, build_taxpayer
from .json_lines import SEVERAL_LINES, parse_json_line
from .unique_ids import UniqueIds

__all__ = ["LINE_MAX", "BadLine", "Line", "Position", "Reader", "Taxpayer"]

TEXT_KEPT = 1000  # a bad line keeps at most this number of characters of its text
READ_MAX = LINE_MAX + 1  # bytes per call of readline(): a line below the maximum, and its line break
ONE_KIND = "add the columns to the first header, or write the results into a .json or .jsonl file"
REMEDY = "give a readable file with lines of id,married,children,salary"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line without a valid taxpayer. `line` is the line number, which starts at 1. A long `text` is truncated."""

    line: int
    text: str
    reason: str


Line = Taxpayer | BadLine


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a file. `offset` bytes and `line` lines precede it. Some of these lines hold no taxpayer.

    `pending` taxpayers and bad lines before the position are not yielded yet.
    """

    offset: int = 0
    line: int = 0
    headers: int = 0
    comments: int = 0
    blanks: int = 0
    pending: int = 0


class Reader:
    """Reads a taxpayers file line by line. Only the ids of earlier lines stay in memory.

    `form` is "lines" (the first line decides) or "jsonl" (one JSON object per line). `year` applies to lines that
    contain no year. After the reader has read the first line, `is_dated` is True if the law of a year can apply to a
    line. If `has_one_kind` is true, a later header is a bad line if it would make `is_dated` true.
    """

    def __init__(
        self, file: IO[bytes], form: str = "lines", year: int | None = None, *, has_one_kind: bool = False
    ) -> None:
        self._file, self._year, self._has_one_kind = file, year, has_one_kind
        self._table = TableReader(VOCABULARY, FIELDS, check_later_header=self._check_later_header)
        self._ids = UniqueIds()
        self._offset = self._line = 0
        self._pending: list[Line] = []  # found on the lines so far, but not yielded yet
        self._counts = dict.fromkeys(Kind, 0)
        self._is_json, self._has_object = form == "jsonl", False
        self.is_dated = self._is_json or year is not None

    def __iter__(self) -> Iterator[Line]:
        """Yield the taxpayers and the bad lines in the order of the file.

        Raises UserError if the file cannot be read, or if its first line is neither a taxpayer nor a header.
        """
        readline, claim, year = self._file.readline, self._ids.claim, self._year
        try:
            yield from self._take_pending()
            if not self._line and (wrong := find_wrong_kind(peek(self._file))):
                raise UserError(f"taxpayers file: {wrong}")
            pattern = self._table.fast_pattern
            while raw := readline(READ_MAX):
                self._offset += len(raw)
                self._line += 1
                if pattern and (match := pattern.fullmatch(raw)):
                    taxpayer = build_plain_taxpayer(match.group(*COLUMNS), year)
                    if claim(taxpayer.id, self._line) == self._line:
                        yield taxpayer
                        continue
                self._pending += self._read_slowly(raw)
                yield from self._take_pending()
                pattern = self._table.fast_pattern
            self._table.finish()
            self._pending += self._take_wrong_comments()
            yield from self._take_pending()
        except OSError as error:
            raise build_file_error("taxpayers file", self._file.name, error, REMEDY) from None
        except UnusableTable as error:
            raise UserError(f"taxpayers file: {error}") from None

    @property
    def position(self) -> Position:
        """The position after the last line that was read."""
        counts = self._counts
        others = counts[Kind.HEADER], counts[Kind.COMMENT], counts[Kind.BLANK]
        return Position(self._offset, self._line, *others, len(self._pending))

    def skip_to(self, position: Position) -> None:
        """Skip the lines before a position. Only record their ids, and the columns of the header."""
        lines = iter(self)
        while (self._offset < position.offset or len(self._pending) > position.pending) and next(lines, None):
            pass

    def _take_pending(self) -> Iterator[Line]:
        while self._pending:
            yield self._pending.pop(0)

    def _read_slowly(self, raw: bytes) -> list[Line]:
        """Parse a line without using the fast pattern. Return an empty list for a comment, a blank line or a header."""
        if len(raw) == READ_MAX and not raw.endswith(b"\n"):
            self._skip_rest_of_line()
        try:
            found = self._parse(raw)
            if isinstance(found, Kind):
                self._counts[found] += 1
                return self._take_wrong_comments()
            first = self._ids.claim(found.id, self._line)
            if first != self._line:
                raise ValueError(f"field [id]: expected a unique id, but {found.id} is already on line {first}")
        except ValueError as error:
            return [build_bad_line(self._line, raw, str(error))]
        return [*self._take_wrong_comments(), found]

    def _parse(self, raw: bytes) -> Taxpayer | Kind:
        """Parse a line of the format of the file. Raises ValueError for a bad line."""
        if not self._is_json and not self._table.format and raw.removeprefix(BOM).lstrip().startswith(b"{"):
            self._is_json = self.is_dated = True
        if self._is_json:
            return self._parse_json(raw)
        is_first = not self._table.format
        found = self._table.read(raw, self._line)
        if is_first and self._table.format:
            self.is_dated = self._year is not None or has_optional_column(self._table.format)
        return found if isinstance(found, Kind) else build_taxpayer(found.format.parse(found.cells), self._year)

    def _parse_json(self, raw: bytes) -> Taxpayer | Kind:
        """Parse a JSON line. Raises UnusableTable if the first object continues on the next line."""
        text = decode_line(raw).strip()
        if not text or text.startswith("#"):
            return Kind.COMMENT if text else Kind.BLANK
        if not self._has_object and (text.startswith("[") or text.endswith(("{", "[", ","))):
            raise UnusableTable(find_json_kind(text) if text.startswith("[") else SEVERAL_LINES)
        self._has_object = True
        return parse_json_line(text.encode(), self._year)

    def _check_later_header(self, later: RowFormat) -> None:
        """Raise ValueError if the columns of a later header need another kind of results."""
        if self._has_one_kind and not self.is_dated and has_optional_column(later):
            raise ValueError(f"expected no column of {','.join(OPTIONAL)} below a header without them: {ONE_KIND}")

    def _take_wrong_comments(self) -> list[Line]:
        """Return the early comments that are bad lines, because they have as many cells as the header."""
        taken, self._table.wrong_comments = self._table.wrong_comments, []
        self._counts[Kind.COMMENT] -= len(taken)
        return [build_bad_line(one.line, one.text.encode(), WRONG_COMMENT) for one in taken]

    def _skip_rest_of_line(self) -> None:
        """Skip the rest of a line that exceeds the maximum length."""
        while piece := self._file.readline(READ_MAX):
            self._offset += len(piece)
            if piece.endswith(b"\n"):
                break


def peek(file: IO[bytes]) -> bytes:
    """Return the first bytes of a file, without changing the position in the file. Wait for the first byte only.

    Omit an incomplete character at the end of these bytes if the rest of a stream can complete it.
    """
    if isinstance(file, io.BufferedReader):
        head = file.peek(HEAD)[:HEAD]
        return head if file.seekable() else head[: codecs.utf_8_decode(head, "ignore", False)[1]]
    head = file.read(HEAD)
    file.seek(0)
    return head


def has_optional_column(found: RowFormat) -> bool:
    """Return whether the lines of a format can contain values that the tutorial's rules (v7) do not use."""
    return not OPTIONAL.isdisjoint(column.name for column in found.columns)


def build_bad_line(line: int, raw: bytes, reason: str) -> BadLine:
    """Build a bad line from the bytes of the line."""
    text = raw.removeprefix(BOM).rstrip(b"\r\n").decode(errors="backslashreplace")
    return BadLine(line, truncate_with_length(text, TEXT_KEPT), reason)

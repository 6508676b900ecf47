"""The reader of a taxpayers file. It yields households and bad lines in the order of the file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO

from tax_client.user_errors import build_file_error
from tax_common.text_formatting import truncate_with_length

from .columns_and_values import LineFormat, Taxpayer, parse_header
from .json_lines import parse_json_line
from .unique_ids import UniqueIds

__all__ = ["BadLine", "Line", "Position", "Reader", "Taxpayer"]

TEXT_KEPT = 1000  # a bad line keeps at most this number of characters of its text
LINE_MAX = 2**20  # maximum number of bytes that one call of readline() returns; a longer line is bad
BOM = b"\xef\xbb\xbf"
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
    """A position in a file. `offset` bytes and `line` lines precede the position."""

    offset: int = 0
    line: int = 0


class HeaderFound(Exception):
    """Raised when the first line of a file is a header."""


class Reader:
    """Reads a taxpayers file line by line. Only the ids of earlier lines stay in memory.

    `form` is "lines" (cells with separators), "jsonl" (one JSON object per line), or "either" (the first line decides).
    `year` applies to lines that contain no year. After the reader has read the first line, `is_dated` is True if the
    law of a year can apply to a line.
    """

    def __init__(self, file: IO[bytes], form: str = "lines", year: int | None = None) -> None:
        self._file, self._form, self._year = file, form, year
        self._format: LineFormat | None = None
        self._parse: Callable[[bytes], Taxpayer] = self._parse_first
        if form == "jsonl":
            self._parse = partial(parse_json_line, year=year)
        self._ids = UniqueIds()
        self._offset = self._line = 0
        self.is_dated = form == "jsonl" or year is not None

    def __iter__(self) -> Iterator[Line]:
        """Yield the taxpayers and the bad lines in the order of the file.

        Raises UserError if the file cannot be read, or if the header names wrong columns.
        """
        readline, claim, line_format = self._file.readline, self._ids.claim, self._format
        try:
            while raw := readline(LINE_MAX):
                self._offset += len(raw)
                self._line += 1
                if line_format and (match := line_format.fast_pattern.fullmatch(raw)):
                    taxpayer = line_format.build_taxpayer(match)
                    if claim(taxpayer.id, self._line) == self._line:
                        yield taxpayer
                        continue
                if line := self._read_slowly(raw):
                    yield line
                line_format = self._format
        except OSError as error:
            raise build_file_error("taxpayers file", self._file.name, error, REMEDY) from None

    @property
    def position(self) -> Position:
        """The position after the last line that was read."""
        return Position(self._offset, self._line)

    def skip_to(self, position: Position) -> None:
        """Skip the lines before a position. Only record their ids, and the columns of the header."""
        lines = iter(self)
        while self._offset < position.offset and next(lines, None):
            pass

    def _read_slowly(self, raw: bytes) -> Line | None:
        """Parse a line without using the fast pattern. Return None for a comment, a blank line or a header."""
        if len(raw) == LINE_MAX and not raw.endswith(b"\n"):
            self._skip_rest_of_line()
        line = (raw.removeprefix(BOM) if self._line == 1 else raw).removesuffix(b"\n").removesuffix(b"\r")
        content = line.strip(b" \t")
        if not content or content.startswith(b"#"):
            return None
        # Do not strip a tab-separated line, because its first or last cell can be empty.
        return self._read_content(line if self._format and self._format.separator == "\t" else content)

    def _read_content(self, line: bytes) -> Line | None:
        """Parse a line that is neither blank nor a comment. Return None for a header."""
        try:
            if len(line) >= LINE_MAX - 1:
                raise ValueError(f"expected a line of less than {LINE_MAX} bytes: shorten the line")
            taxpayer = self._parse(line)
            first = self._ids.claim(taxpayer.id, self._line)
            if first != self._line:
                raise ValueError(f"field [id]: expected a unique id, but {taxpayer.id} is already on line {first}")
        except ValueError as error:
            text = truncate_with_length(line.decode(errors="backslashreplace"), TEXT_KEPT)
            return BadLine(self._line, text, str(error))
        except HeaderFound:
            return None
        return taxpayer

    def _parse_first(self, line: bytes) -> Taxpayer:
        """Parse the first line, and use it to choose the format of all lines. Raises HeaderFound for a header."""
        if self._form == "either" and line.startswith(b"{"):
            self._form, self._parse, self.is_dated = "jsonl", partial(parse_json_line, year=self._year), True
            return self._parse(line)
        header = parse_header(line, self._year)
        self._format = header or LineFormat(year=self._year)
        self._parse, self.is_dated = self._format.parse, self._format.is_dated
        if header:
            raise HeaderFound
        return self._parse(line)

    def _skip_rest_of_line(self) -> None:
        """Skip the rest of a line that exceeds the maximum length."""
        while piece := self._file.readline(LINE_MAX):
            self._offset += len(piece)
            if piece.endswith(b"\n"):
                break

"""The taxpayers file: its households in their order, and what is wrong with the lines that are none."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import IO

from .cells import cut
from .header import header_of
from .json_lines import read_object
from .line_format import Layout, Taxpayer
from .unique_ids import Ids

__all__ = ["BadLine", "Line", "Position", "Reader", "Reading", "Taxpayer", "cut", "parse_taxpayers"]

TEXT_KEPT = 1000  # characters
LINE_MAX = 2**20  # bytes
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no taxpayer: its number from 1, its text (cut when long), what was expected."""

    line: int
    text: str
    reason: str


Line = Taxpayer | BadLine


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file held, in its order."""

    taxpayers: list[Taxpayer] = field(default_factory=list)
    bad_lines: list[BadLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file is read: bytes and lines."""

    offset: int = 0
    line: int = 0


class Reader:
    """Reads a file of taxpayers line by line; its memory grows by the ids alone.

    `form`: "lines" (a household each, columns named by the first line or those of FIELDS), "jsonl" (an object each),
    or "either", which the first line decides. `year` is that of the lines that name none.
    """

    def __init__(self, file: IO[bytes], form: str = "lines", year: int | None = None) -> None:
        self._file, self._form, self._year = file, form, year
        self._layout: Layout | None = None
        self._parse: Callable[[bytes], Taxpayer] = partial(read_object, year=year) if form == "jsonl" else self._first
        self._ids = Ids()
        self._offset = self._number = 0

    @property
    def position(self) -> Position:
        """Behind the last line that was read."""
        return Position(self._offset, self._number)

    @property
    def dated(self) -> bool:
        """Whether lines may ask for the law of a year; known once the first one is read."""
        return self._layout.dated if self._layout else self._form == "jsonl" or self._year is not None

    def __iter__(self) -> Iterator[Line]:
        """The taxpayers and bad lines, in order. Raises UserError when the first line names wrong columns."""
        readline, claim, layout = self._file.readline, self._ids.claim, self._layout
        while raw := readline(LINE_MAX):
            self._offset += len(raw)
            self._number += 1
            if layout and (found := layout.quick.fullmatch(raw)):
                taxpayer = layout.taxpayer(found)
                if claim(taxpayer.id, self._number) == self._number:
                    yield taxpayer
                    continue
            if read := self._read_carefully(raw):
                yield read
            layout = self._layout

    def pass_over(self, position: Position) -> None:
        """Read up to a position and forget all but the ids and the columns."""
        lines = iter(self)
        while self._offset < position.offset and next(lines, None):
            pass

    def _read_carefully(self, raw: bytes) -> Line | None:
        """What a line is; None for one that says nothing."""
        if len(raw) == LINE_MAX and not raw.endswith(b"\n"):
            self._offset += self._skip()
        line = (raw.removeprefix(BOM) if self._number == 1 else raw).removesuffix(b"\n").removesuffix(b"\r")
        said = line.strip(b" \t")
        if self._layout is None or self._layout.separator != "\t":  # else the first or the last cell may be empty
            line = said
        return self._read(line, self._number) if said and not said.startswith(b"#") else None

    def _read(self, line: bytes, number: int) -> Line | None:
        """What a line is; None for the one that names the columns."""
        try:
            if len(line) >= LINE_MAX - 1:
                raise ValueError(f"expected a line of less than {LINE_MAX} bytes")
            taxpayer = self._parse(line)
            first = self._ids.claim(taxpayer.id, number)
            if first != number:
                raise ValueError(f"field [id]: expected an id of its own, {taxpayer.id} is already on line {first}")
        except ValueError as error:
            return BadLine(number, cut(line.decode(errors="backslashreplace"), TEXT_KEPT), str(error))
        except Header:
            return None
        return taxpayer

    def _first(self, line: bytes) -> Taxpayer:
        """The first line: it names the columns, or is a taxpayer already."""
        if self._form == "either" and line.startswith(b"{"):
            self._form, self._parse = "jsonl", partial(read_object, year=self._year)
            return self._parse(line)
        layout = header_of(line, self._year)
        self._layout = layout or Layout(year=self._year)
        self._parse = self._layout.parse
        if layout:
            raise Header
        return self._parse(line)

    def _skip(self) -> int:
        """Pass over the rest of a line that is too long; its bytes."""
        skipped = 0
        while piece := self._file.readline(LINE_MAX):
            skipped += len(piece)
            if piece.endswith(b"\n"):
                break
        return skipped


class Header(Exception):
    """A line names the columns."""


def parse_taxpayers(content: bytes) -> Reading:
    """The taxpayers and the bad lines of a file's bytes, whatever they are."""
    reading = Reading()
    for line in Reader(io.BytesIO(content)):
        if isinstance(line, Taxpayer):
            reading.taxpayers.append(line)
        else:
            reading.bad_lines.append(line)
    return reading

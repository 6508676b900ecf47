"""The rows of a CSV table of households, which the reader of taxpayers files reads too."""

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tax_common.tables import household_columns
from tax_common.tables.content_kind import HEAD, find_wrong_kind
from tax_common.tables.header import Header
from tax_common.tables.row_format import RowFormat
from tax_common.tables.table_reader import WRONG_COMMENT, Kind, Row, TableReader, UnusableTable

from .parameters_and_decoders import HOUSEHOLD, has_english_name, join_names, quote_text
from .validation import ParameterError

VOCABULARY = household_columns.Vocabulary(household_columns.HOUSEHOLD)
NAMES = tuple(column.name for column in VOCABULARY.columns)
HEADER = "a first line that names the columns: " + join_names(HOUSEHOLD)
PlainCells = tuple[bytes, ...]  # one cell for each column of NAMES; a missing value is empty


@dataclass(slots=True)
class TableRows:
    """The rows of a table in their order. An invalid row is a ParameterError.

    `starts` are the positions of the first rows below each header, and `formats` the columns that the header names.
    """

    rows: list[PlainCells | Row | ParameterError] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    formats: list[RowFormat] = field(default_factory=list)

    def pair_cells(self, row: int) -> tuple[list[tuple[str, str]], Sequence[str]]:
        """Return the pairs of names and nonempty cells of a row, and all names of its header.

        Raises ParameterError if the row is invalid.
        """
        cells = self.rows[row]
        if isinstance(cells, ParameterError):
            raise cells
        if isinstance(cells, Row):
            found, texts = cells.format, cells.cells
        else:
            found = self.formats[bisect_right(self.starts, row) - 1]
            texts = [cells[NAMES.index(column.name)].decode() for column in found.columns]
        return [(name, text) for name, text in zip(found.names, texts, strict=True) if text], found.names


def read_rows(body: bytes, limit: int) -> TableRows:
    """Read the rows of a table, and stop after `limit` + 1 rows. Raises ParameterError if the table has no header."""
    if wrong := find_wrong_kind(body[:HEAD]):
        raise ParameterError([wrong], [HEADER])
    table, found = TableReader(VOCABULARY), TableRows()
    rows, pattern = found.rows, table.fast_pattern
    for number, raw in enumerate(io.BytesIO(body), start=1):
        if pattern and (match := pattern.fullmatch(raw)):
            rows.append(match.group(*NAMES))
        else:
            rows += read_slowly(table, raw, number)
            if table.format and (not found.formats or found.formats[-1] is not table.format):
                found.starts.append(len(rows))
                found.formats.append(table.format)
            pattern = table.fast_pattern
        if len(rows) > limit:
            break
    if not found.formats:
        raise ParameterError(["there is no line that names the columns in the body"], [HEADER])
    return found


def read_slowly(table: TableReader, raw: bytes, number: int) -> Iterator[Row | ParameterError]:
    """Read a line without using the fast pattern, and yield its row and the wrong comments above the header."""
    try:
        line = table.read(raw, number)
    except UnusableTable as error:
        raise ParameterError(list_header_errors(error.header) if error.header else [str(error)], [HEADER]) from None
    except ValueError as error:
        yield build_row_error(number, str(error))
        return
    while table.wrong_comments:
        yield build_row_error(table.wrong_comments.pop(0).line, WRONG_COMMENT)
    if not isinstance(line, Kind):
        yield line


def build_row_error(number: int, reason: str) -> ParameterError:
    """Build the error of a line that cannot be split into cells."""
    return ParameterError([f"line {number}: {reason}"], ["a line with one cell for each column of the header"])


def list_header_errors(header: Header) -> list[str]:
    """Return an error for each unknown, repeated or missing column."""
    spelled: dict[str, str] = {}
    for name, column in zip(header.names, header.columns, strict=True):
        spelled.setdefault(column.name if column else name, name)
    english = has_english_name(header.names, HOUSEHOLD)
    preferred = {parameter.english: parameter.get_name(english) for parameter in HOUSEHOLD}
    problems = header.list_problems()
    return [
        *(f"unknown column [{quote_text(name)}]" for name in problems.get("unknown", ())),
        *(f"column [{spelled[name]}] is repeated" for name in problems.get("repeated", ())),
        *(f"column [{preferred[name]}] is missing" for name in problems.get("missing", ())),
    ]

"""The formats of a results file, which are a JSON array, JSON lines and CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from tax_client.api.responses import DATED_FIELDS, V7_FIELDS, Fields
from tax_client.user_errors import UserError

from .batches import Row


class ResultFormat(Protocol):
    """Encodes the head, the rows and the tail of a results file."""

    def encode_head(self) -> bytes:
        """Return the bytes that precede all rows."""

    def encode_rows(self, rows: Sequence[Row], before: int) -> bytes:
        """Encode some rows of the file. `before` is the number of earlier rows in the file."""

    def encode_tail(self, count: int) -> bytes:
        """Return the bytes that follow all rows. `count` is the number of rows in the file."""


class JsonArray:
    """A JSON array with one taxpayer per line."""

    def encode_head(self) -> bytes:
        """Return the opening bracket."""
        return b"["

    def encode_rows(self, rows: Sequence[Row], before: int) -> bytes:
        """Return one object per line, with commas between the objects."""
        lines = b"".join([b",\n  " + orjson.dumps({"id": number, **result}) for number, result in rows])
        return lines if before else lines[1:]

    def encode_tail(self, count: int) -> bytes:
        """Return the closing bracket."""
        return b"\n]\n" if count else b"]\n"


class JsonLines:
    """JSON lines, which have one object per line."""

    def encode_head(self) -> bytes:
        """Return an empty byte string."""
        return b""

    def encode_rows(self, rows: Sequence[Row], before: int) -> bytes:  # noqa: ARG002 - lines need no separator
        """Return one object per line."""
        return b"".join([orjson.dumps({"id": number, **result}) + b"\n" for number, result in rows])

    def encode_tail(self, count: int) -> bytes:  # noqa: ARG002
        """Return an empty byte string."""
        return b""


class Csv:
    """CSV with a header and one taxpayer per line. The last column of dated results holds the codes of the notes.

    The cells are not quoted, because no cell contains a comma, a quote or a line break.
    """

    def __init__(self, is_dated: bool) -> None:
        self._columns = DATED_FIELDS if is_dated else V7_FIELDS

    def encode_head(self) -> bytes:
        """Return the header."""
        notes = ["notes"] if self._columns is DATED_FIELDS else []
        return ",".join(["id", *self._columns, *notes]).encode() + b"\n"

    def encode_rows(self, rows: Sequence[Row], before: int) -> bytes:  # noqa: ARG002
        """Return one line of cells per result."""
        return "".join([self._format_line(number, result) for number, result in rows]).encode()

    def encode_tail(self, count: int) -> bytes:  # noqa: ARG002
        """Return an empty byte string."""
        return b""

    def _format_line(self, number: int, result: Fields) -> str:
        cells = [str(number), *(str(result.get(name, "")) for name in self._columns)]
        if self._columns is DATED_FIELDS:
            cells.append(" ".join(extract_code(note) for note in result.get("notes", ())))
        return ",".join(cells) + "\n"


def extract_code(note: Any) -> str:
    """Return the code of a note. If the note is not a JSON object, return the note as text."""
    return str(note.get("code", "")) if isinstance(note, dict) else str(note)


def choose_format(path: Path, is_dated: bool) -> ResultFormat:
    """Return the format for the suffix of a results file. Raises UserError for an unknown suffix."""
    match path.suffix.lower():
        case ".json":
            return JsonArray()
        case ".jsonl":
            return JsonLines()
        case ".csv":
            return Csv(is_dated)
    raise UserError(f"--results [{path}]: expected a name that ends in .json, .jsonl or .csv: change the suffix")

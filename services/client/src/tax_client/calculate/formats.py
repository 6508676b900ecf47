"""The forms of a results file: a JSON array, JSON lines, CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from tax_client.api.results import DATED_FIELDS, FIELDS, Fields
from tax_client.errors import UserError

Row = tuple[int, Fields]  # a taxpayer's id and its result


class Form(Protocol):
    """How a results file is written."""

    def head(self) -> bytes:
        """What comes before all rows."""

    def rows(self, rows: Sequence[Row], before: int) -> bytes:
        """Rows after `before` others."""

    def tail(self, count: int) -> bytes:
        """What comes after all rows."""


class JsonArray:
    """One array, a taxpayer a line: the reference's results file."""

    def head(self) -> bytes:
        """The bracket that opens the array."""
        return b"["

    def rows(self, rows: Sequence[Row], before: int) -> bytes:
        """An object a line, with a comma between two."""
        lines = b"".join([b",\n  " + orjson.dumps({"id": number, **result}) for number, result in rows])
        return lines if before else lines[1:]

    def tail(self, count: int) -> bytes:
        """The bracket that closes the array."""
        return b"\n]\n" if count else b"]\n"


class JsonLines:
    """One object a line."""

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def rows(self, rows: Sequence[Row], before: int) -> bytes:  # noqa: ARG002 - all lines are alike
        """An object a line."""
        return b"".join([orjson.dumps({"id": number, **result}) + b"\n" for number, result in rows])

    def tail(self, count: int) -> bytes:  # noqa: ARG002
        """Nothing."""
        return b""


class Csv:
    """A first line that names the columns, then a taxpayer a line; notes are their codes. No cell needs quotes."""

    def __init__(self, dated: bool) -> None:
        self._columns = DATED_FIELDS if dated else FIELDS

    def head(self) -> bytes:
        """The names of the columns."""
        notes = ["notes"] if self._columns is DATED_FIELDS else []
        return ",".join(["id", *self._columns, *notes]).encode() + b"\n"

    def rows(self, rows: Sequence[Row], before: int) -> bytes:  # noqa: ARG002
        """The cells of a result on a line."""
        return "".join([self._line(number, result) for number, result in rows]).encode()

    def tail(self, count: int) -> bytes:  # noqa: ARG002
        """Nothing."""
        return b""

    def _line(self, number: int, result: Fields) -> str:
        cells = [str(number), *(str(result.get(name, "")) for name in self._columns)]
        if self._columns is DATED_FIELDS:
            cells.append(" ".join(code_of(note) for note in result.get("notes", ())))
        return ",".join(cells) + "\n"


def code_of(note: Any) -> str:
    """The code of a note."""
    return str(note.get("code", "")) if isinstance(note, dict) else str(note)


def form_of(path: Path, dated: bool) -> Form:
    """The form that a results file's name asks for. Raises UserError."""
    match path.suffix.lower():
        case ".json":
            return JsonArray()
        case ".jsonl":
            return JsonLines()
        case ".csv":
            return Csv(dated)
    raise UserError(f"--results [{path}]: expected a name that ends in .json, .jsonl or .csv: give such a name")

"""The columns of a table of households: their names, their values, and the parser of a cell."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

YES_NO = {"yes": "yes", "oui": "yes", "no": "no", "non": "no"}
WORD = b"|".join(word.encode() for word in YES_NO)
NUMBER, IDENTIFIER = re.compile(r"(0|[1-9][0-9]*)(?:\.0)?"), re.compile(r"0*([0-9]+?)(?:\.0)?")


class Column(NamedTuple):
    """A column with its English name and its French names. The limit is the maximum of its numbers.

    The limit is None if the values are yes and no. Only identifiers can have leading zeros.
    """

    name: str
    french: tuple[str, ...]
    limit: int | None
    is_required: bool = True
    is_amount: bool = False
    is_identifier: bool = False

    @property
    def plain(self) -> bytes:
        """The pattern of the cells in the usual spelling, without groups. Other spellings can be valid too."""
        if self.limit is None:
            return WORD
        more = len(str(self.limit)) - 1
        return rb"[0-9]{1,%d}" % (more + 1) if self.is_identifier else rb"0|[1-9][0-9]{0,%d}" % more

    def parse(self, cell: str) -> int | str | None:
        """Parse a cell. Return a number, or "yes" or "no". Return None if the cell is invalid.

        A number has ASCII digits. One zero after a decimal point is allowed, because pandas writes 2 as 2.0.
        """
        if self.limit is None:
            return YES_NO.get(cell.lower())
        found = (IDENTIFIER if self.is_identifier else NUMBER).fullmatch(cell)
        # Check the length before calling int(), because int() raises an error for thousands of digits.
        if found is None or len(found[1]) > len(str(self.limit)):
            return None
        return number if (number := int(found[1])) <= self.limit else None

    @property
    def expected(self) -> str:
        """A description of the valid cells."""
        if self.limit is None:
            return "yes, no, oui or non"
        return f"a number from 0 to {self.limit} in plain digits"


ID = Column("id", (), 10**18 - 1, is_identifier=True)  # ids fit in 64 bits
HOUSEHOLD = (
    Column("married", ("marié", "marie"), None),
    Column("children", ("enfants",), 99),
    Column("salary", ("salaire",), 999_999_999, is_amount=True),
    Column("year", ("année", "annee"), 9999, is_required=False),
    Column("single_parent", ("parent_isolé", "parent_isole"), None, is_required=False),
    Column("spouse_salary", ("salaire_conjoint",), 999_999_999, is_required=False, is_amount=True),
)


@dataclass(frozen=True)
class Vocabulary:
    """The columns that a table can have. The required columns come first."""

    columns: tuple[Column, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """A mapping from each English or French name to its column."""
        return {name: column for column in self.columns for name in (column.name, *column.french)}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The English names of the required columns."""
        return tuple(column.name for column in self.columns if column.is_required)

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """The English names of the optional columns."""
        return tuple(column.name for column in self.columns if not column.is_required)

    def describe_header(self) -> str:
        """Return the part of an error message that describes the expected header."""
        return f"expected a header with the columns {','.join(self.required)} and optionally {','.join(self.optional)}"


def normalize_name(name: str) -> str:
    """Convert a name to lower case and to Unicode NFC, because some editors write accents in another form."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).lower()

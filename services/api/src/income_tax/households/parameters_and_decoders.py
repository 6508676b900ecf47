"""The parameters of a household, with their names, valid values and decoders for text and JSON."""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from income_tax.tax.models import MAX_CHILDREN, MAX_SALARY
from tax_common.tables import household_columns
from tax_common.text_formatting import show_invisible, truncate

MAX_QUOTED = 100  # maximum characters of an invalid name or value that an error message quotes
MAX_DIGITS = 20  # longer numbers are rejected without conversion
EXACT_FLOATS = 2**53  # a float of this size or larger can differ from the integer in the request
LAST_YEAR = 9999
YES_NO = {"oui": True, "yes": True, "non": False, "no": False}


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A parameter of a request, with its English name, its French names (the preferred name first) and its limits."""

    english: str
    french: tuple[str, ...]
    maximum: int | None  # None if the values are yes and no
    required: bool = True
    minimum: int = 0

    @property
    def expected(self) -> str:
        """A description of the valid values."""
        if self.maximum is None:
            return "oui, non, yes or no"
        return f"an integer from {self.minimum} to {self.maximum}, in plain digits"

    @property
    def names(self) -> tuple[str, ...]:
        """All names that a request can use for the parameter."""
        return (self.english, *self.french)

    def get_name(self, english: bool) -> str:
        """Return the English name if `english` is set, or else the preferred French name."""
        return self.english if english else self.french[0]

    def parse_text(self, text: str) -> int | None:
        """Return the number for a text, or None if the text is invalid. A yes becomes 1, and a no becomes 0."""
        text = text.strip(" \t")
        if self.maximum is None:
            return YES_NO.get(text.lower())
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
            return None
        number = int(text)
        return number if self.minimum <= number <= self.maximum else None

    def parse_json(self, value: object) -> int | None:
        """Return the number for a decoded JSON value, or None if the value is invalid. Yes and no must be strings."""
        if self.maximum is None:
            return self.parse_text(value) if isinstance(value, str) else None
        number = parse_integer(value)
        return number if number is not None and self.minimum <= number <= self.maximum else None


YEAR = Parameter("year", ("année", "annee"), LAST_YEAR, required=False)
MARRIED = Parameter("married", ("marié", "marie"), None)
SINGLE_PARENT = Parameter("single_parent", ("parent_isolé", "parent_isole"), None, required=False)
CHILDREN = Parameter("children", ("enfants",), MAX_CHILDREN)
SALARY = Parameter("salary", ("salaire",), MAX_SALARY)
SPOUSE_SALARY = Parameter("spouse_salary", ("salaire_conjoint",), MAX_SALARY, required=False)
EXPLAIN = Parameter("explain", ("explication",), None, required=False)

HOUSEHOLD = (MARRIED, CHILDREN, SALARY, YEAR, SINGLE_PARENT, SPOUSE_SALARY)
CALCULATION = (*HOUSEHOLD, EXPLAIN)
COLUMNS = {column.name: column for column in household_columns.HOUSEHOLD}
BY_NAME = {name: parameter for parameter in HOUSEHOLD for name in parameter.names}

Values = dict[Parameter, int]


class ValueDecoder(Protocol):
    """Decodes the values of one format, and quotes values for error messages."""

    def decode(self, parameter: Parameter, value: Any) -> int | None:
        """Return the value as a number, or None if the value is invalid."""

    def quote(self, value: Any) -> str:
        """Return the value as text for an error message."""


class TextDecoder:
    """Decodes the values of query strings."""

    def decode(self, parameter: Parameter, value: str) -> int | None:
        """Return the value as a number, or None if the value is invalid."""
        return parameter.parse_text(value)

    def quote(self, value: str) -> str:
        """Return the value as text for an error message."""
        return quote_text(value)


class CellDecoder(TextDecoder):
    """Decodes the cells of CSV. Unlike in query strings, leading zeros are invalid, and a number can end in .0."""

    def decode(self, parameter: Parameter, value: str) -> int | None:
        """Return the value as a number, or None if the value is invalid."""
        found = COLUMNS[parameter.english].parse(value)
        return YES_NO[found] if isinstance(found, str) else found


class JsonDecoder:
    """Decodes the values of JSON."""

    def decode(self, parameter: Parameter, value: object) -> int | None:
        """Return the value as a number, or None if the value is invalid."""
        return parameter.parse_json(value)

    def quote(self, value: object) -> str:
        """Return the value as text for an error message."""
        if isinstance(value, list | dict):  # do not quote a value of unlimited size and depth
            return "an array" if isinstance(value, list) else "an object"
        if isinstance(value, float) and not abs(value) < EXACT_FLOATS:
            return "a number that is too large"
        # Use Python's json module, because orjson rejects 20-digit integers and lone surrogates.
        return quote_text(json.dumps(value, ensure_ascii=False))


def parse_integer(value: object) -> int | None:
    """Return the integer of a decoded JSON number, such as 2.0 (JSON Schema 2020-12, 6.1.1), or None."""
    if type(value) is float and value.is_integer() and abs(value) < EXACT_FLOATS:
        return int(value)
    return value if type(value) is int else None


def normalize_name(name: str) -> str:
    """Normalize a name to Unicode NFC, so that composed and decomposed characters such as é are equal."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def has_english_name(names: Iterable[str], parameters: Iterable[Parameter]) -> bool:
    """Return whether the names include an English parameter name in any case. If so, messages use English names."""
    return not {parameter.english for parameter in parameters}.isdisjoint(name.lower() for name in names)


def quote_text(text: str) -> str:
    r"""Truncate a text for an error message, and show its invisible characters.

    Lone surrogates, such as \ud800 in JSON, become `?`.
    """
    return show_invisible(truncate(text, MAX_QUOTED).encode(errors="replace").decode())


def join_names(parameters: Iterable[Parameter]) -> str:
    """Join all names of the parameters for an error message."""
    return ", ".join(" or ".join(parameter.names) for parameter in parameters)

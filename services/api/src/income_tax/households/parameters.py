"""What a request may say of a household: the names of its parameters, and their values."""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from income_tax.tax.models import MAX_CHILDREN, MAX_SALARY
from tax_common.text import truncate

SHOWN = 100  # characters of a wrong name or value that an error repeats
DIGITS = 20  # longer numbers are refused unread
EXACT = 2**53  # from here on a float may show another number than was written
LAST_YEAR = 9999
YES_NO = {"oui": True, "yes": True, "non": False, "no": False}


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A parameter of the calculation: its English name, its French ones (the first is the usual) and its values."""

    english: str
    french: tuple[str, ...]
    maximum: int | None  # None: yes or no
    required: bool = True
    minimum: int = 0

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.maximum is None:
            return "oui, non, yes or no"
        return f"an integer from {self.minimum} to {self.maximum}, in plain digits"

    @property
    def names(self) -> tuple[str, ...]:
        """All names that a request may use."""
        return (self.english, *self.french)

    def name(self, english: bool) -> str:
        """The usual name in English, or in French."""
        return self.english if english else self.french[0]

    def of_text(self, text: str) -> int | None:
        """The value that the text stands for, None when it stands for none."""
        text = text.strip(" \t")
        if self.maximum is None:
            return YES_NO.get(text.lower())
        if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
            return None
        number = int(text)
        return number if self.minimum <= number <= self.maximum else None

    def of_json(self, value: object) -> int | None:
        """The value that a value of JSON stands for: "yes" and "no" are text, numbers are numbers."""
        if self.maximum is None:
            return self.of_text(value) if isinstance(value, str) else None
        return value if type(value) is int and self.minimum <= value <= self.maximum else None


YEAR = Parameter("year", ("année", "annee"), LAST_YEAR, required=False)
MARRIED = Parameter("married", ("marié", "marie"), None)
SINGLE_PARENT = Parameter("single_parent", ("parent_isolé", "parent_isole"), None, required=False)
CHILDREN = Parameter("children", ("enfants",), MAX_CHILDREN)
SALARY = Parameter("salary", ("salaire",), MAX_SALARY)
SPOUSE_SALARY = Parameter("spouse_salary", ("salaire_conjoint",), MAX_SALARY, required=False)
EXPLAIN = Parameter("explain", ("explication",), None, required=False)

HOUSEHOLD = (MARRIED, CHILDREN, SALARY, YEAR, SINGLE_PARENT, SPOUSE_SALARY)
QUESTION = (*HOUSEHOLD, EXPLAIN)
BY_NAME = {name: parameter for parameter in HOUSEHOLD for name in parameter.names}

Values = dict[Parameter, int]


class Form(Protocol):
    """How values are written: as text, or as JSON."""

    def read(self, parameter: Parameter, value: Any) -> int | None:
        """What a value stands for, None when it stands for none."""

    def show(self, value: Any) -> str:
        """A value as an error repeats it."""


class TextForm:
    """Values of a query string, or of CSV."""

    def read(self, parameter: Parameter, value: str) -> int | None:
        """What a value stands for, None when it stands for none."""
        return parameter.of_text(value)

    def show(self, value: str) -> str:
        """A value as an error repeats it."""
        return shown(value)


class JsonForm:
    """Values of JSON."""

    def read(self, parameter: Parameter, value: object) -> int | None:
        """What a value stands for, None when it stands for none."""
        return parameter.of_json(value)

    def show(self, value: object) -> str:
        """A value as an error repeats it."""
        if isinstance(value, list | dict):  # of any size and depth
            return "an array" if isinstance(value, list) else "an object"
        if isinstance(value, float) and not abs(value) < EXACT:
            return "a number that is too large"
        # What `slowly` has read, orjson may not write: 20 digits, half a character.
        return shown(json.dumps(value, ensure_ascii=False))


def composed(name: str) -> str:
    """A name with composed characters (NFC): é is one, however it was typed."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def is_english(names: Iterable[str], parameters: Iterable[Parameter]) -> bool:
    """Whether one of the names is a parameter's English one: then errors speak English names too."""
    return not {parameter.english for parameter in parameters}.isdisjoint(names)


def shown(text: str) -> str:
    r"""The text as an error repeats it; half a character, which JSON can spell (\ud800) and UTF-8 cannot, is `?`."""
    return truncate(text, SHOWN).encode(errors="replace").decode()


def names_of(parameters: Iterable[Parameter]) -> str:
    """The names that a request may use, in words."""
    return ", ".join(" or ".join(parameter.names) for parameter in parameters)

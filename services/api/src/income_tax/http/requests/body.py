"""The body of `POST /`: JSON or CSV, of one household or of many; what it must not be."""

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from income_tax.households.parameters import (
    BY_NAME,
    HOUSEHOLD,
    QUESTION,
    JsonForm,
    Parameter,
    Values,
    composed,
    is_english,
    names_of,
    shown,
)
from income_tax.households.validation import ParameterError, Reading
from income_tax.http.responses import CSV, JSON

from .strict_json import OBJECTS, Repeated, parse

if TYPE_CHECKING:
    from income_tax.households.batch_validation import Many

VALUES_EACH = 20  # a household has at most seven values: a body of more is refused before it fills the memory


ONE = Reading(QUESTION, JsonForm())


class TooMany(ValueError):
    """The body has more households than are taken at once."""


class WrongType(ValueError):
    """The body is of a type, or in a coding, that is not read; the text says what to send."""


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reads bodies: at most `limit` households, of the income years there are or of none."""

    limit: int
    years: Collection[int]

    def read(self, content_type: str, body: bytes) -> "Values | Many":
        """One household (a JSON object), or many. Raises ParameterError, TooMany, WrongType."""
        if content_type == JSON:
            return self._json(body)
        if content_type == CSV:
            return self._csv(body)
        raise WrongType(
            f"the body's type is [{shown(content_type)}]: send the header Content-Type with {JSON} or {CSV}"
        )

    def _json(self, body: bytes) -> "Values | Many":
        self._check_size(body)
        content = parse(body)
        if isinstance(content, dict | Repeated):
            return ONE.values(pairs_of_object(content), self.years)
        if not isinstance(content, list):
            raise ParameterError(["the body is neither an object nor an array"], [OBJECTS])
        self._check(len(content))
        from income_tax.households.batch_validation import read_objects  # noqa: PLC0415 - numpy is imported at the first batch

        return read_objects(content, self.years)

    def _csv(self, body: bytes) -> "Many":
        self._check_size(body)
        try:
            text = body.decode("utf-8-sig")
            first = text.lstrip("\r\n").partition("\n")[0]
            lines = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first else ",", strict=True)
            header = [composed(name.strip()) for name in next((row for row in lines if row), [])]
            rows = list(islice((row for row in lines if row), self.limit + 1))
        except (UnicodeDecodeError, csv.Error) as error:
            raise ParameterError([f"the body is not CSV in UTF-8: {error}"], [wanted_header()]) from None
        check_header(header)
        self._check(len(rows))
        from income_tax.households.batch_validation import read_rows  # noqa: PLC0415 - numpy is imported at the first batch

        return read_rows(header, rows, self.years)

    def _check_size(self, body: bytes) -> None:
        if max(body.count(b","), body.count(b";")) > self.limit * VALUES_EACH:
            raise TooMany

    def _check(self, count: int) -> None:
        if not count:
            raise ParameterError(["there is no household in the body"], [f"1 to {self.limit} households"])
        if count > self.limit:
            raise TooMany


def wanted_header() -> str:
    """What the first line of CSV must be, in words."""
    return "a first line that names the columns: " + names_of(HOUSEHOLD)


def check_header(header: list[str]) -> None:
    """ParameterError unless the columns are known, none twice, and all that are required are there."""
    errors = [f"unknown column [{shown(name)}]" for name in header if name not in BY_NAME]
    used = [name for name in header if name in BY_NAME]
    first: dict[Parameter, str] = {}
    for name in used:
        first.setdefault(BY_NAME[name], name)
    found = [BY_NAME[name] for name in used]
    errors += [f"column [{name}] is repeated" for p, name in first.items() if found.count(p) > 1]
    missing = [p for p in HOUSEHOLD if p.required and p not in first]
    errors += [f"column [{p.name(is_english(header, HOUSEHOLD))}] is missing" for p in missing]
    if errors:
        raise ParameterError(errors, [wanted_header()])


def pairs_of_object(item: Any) -> list[tuple[str, Any]]:
    """Names and values of a household in JSON. Raises ParameterError when it is none."""
    if isinstance(item, Repeated):
        raise item.error()
    if not isinstance(item, dict):
        raise ParameterError(["it is no object"], ["an object of the parameters of a household"])
    return [(composed(name), value) for name, value in item.items()]

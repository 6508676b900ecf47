"""Parser of the body of `POST /`, which contains one household in JSON, or a batch in JSON or CSV."""

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from flask import Request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header

from income_tax.households.parameters_and_decoders import (
    BY_NAME,
    CALCULATION,
    HOUSEHOLD,
    JsonDecoder,
    Parameter,
    Values,
    has_english_name,
    join_names,
    normalize_name,
    quote_text,
)
from income_tax.households.validation import HouseholdSchema, ParameterError, list_members
from income_tax.http.responses import CSV, JSON

from .strict_json import OBJECTS, RepeatedKeyError, parse_json

if TYPE_CHECKING:
    from income_tax.households.batch_validation import ParsedBatch

# BodyReader counts the separators before it parses a body. To save memory, it rejects a body with too many separators.
# A household has at most seven values.
MAX_VALUES = 20  # a body can contain `limit` * MAX_VALUES commas, and as many semicolons
OBJECT_SCHEMA = HouseholdSchema(CALCULATION, JsonDecoder())


class TooManyHouseholds(ValueError):
    """The body contains more households than the service accepts per request."""


class UnsupportedBody(ValueError):
    """The body has an unsupported type or encoding. The message includes the remedy."""


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reads bodies that contain up to `limit` households. `years` are the known income years."""

    limit: int
    years: Collection[int]

    def read(self, request: Request, body: bytes) -> "Values | ParsedBatch":
        """Parse a request body. Raises ParameterError, TooManyHouseholds or UnsupportedBody if the body is invalid."""
        check_length(len(body), request.content_length)
        check_no_query(request.environ.get("QUERY_STRING", ""))
        check_encoding(request.headers)
        return self.parse(request.mimetype, body)

    def parse(self, content_type: str, body: bytes) -> "Values | ParsedBatch":
        """Parse one household (a JSON object) or a batch (a JSON array or a CSV table).

        Raises ParameterError, TooManyHouseholds or UnsupportedBody if the body is invalid.
        """
        if content_type not in (JSON, CSV):
            shown = quote_text(content_type)
            raise UnsupportedBody(f"the body's type is [{shown}]: send the header Content-Type with {JSON} or {CSV}")
        if max(body.count(b","), body.count(b";")) > self.limit * MAX_VALUES:
            raise TooManyHouseholds
        return self._parse_json(body) if content_type == JSON else self._parse_csv(body)

    def _parse_json(self, body: bytes) -> "Values | ParsedBatch":
        content = parse_json(body)
        if isinstance(content, dict | RepeatedKeyError):
            return OBJECT_SCHEMA.parse(list_members(content), self.years)
        if not isinstance(content, list):
            raise ParameterError(["the body is neither an object nor an array"], [OBJECTS])
        self._check_count(len(content))
        from income_tax.households.batch_validation import parse_objects  # noqa: PLC0415 - the first batch imports numpy

        return parse_objects(content, self.years)

    def _parse_csv(self, body: bytes) -> "ParsedBatch":
        try:
            text = body.decode("utf-8-sig")
            first = text.lstrip("\r\n").partition("\n")[0]
            lines = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first else ",", strict=True)
            header = [normalize_name(name.strip()) for name in next((row for row in lines if row), [])]
            rows = list(islice((row for row in lines if row), self.limit + 1))
        except (UnicodeDecodeError, csv.Error) as error:
            raise ParameterError([f"the body is not CSV in UTF-8: {error}"], [describe_header()]) from None
        check_header(header)
        self._check_count(len(rows))
        from income_tax.households.batch_validation import parse_rows  # noqa: PLC0415 - the first batch imports numpy

        return parse_rows(header, rows, self.years)

    def _check_count(self, count: int) -> None:
        if not count:
            raise ParameterError(["there is no household in the body"], [f"1 to {self.limit} households"])
        if count > self.limit:
            raise TooManyHouseholds


def check_length(length: int, announced: int | None) -> None:
    """Raise ParameterError if the body is shorter than its announced length (Content-Length)."""
    if announced is not None and length < announced:
        raise ParameterError([f"the body ended after {length} of {announced} bytes"], ["the whole body"])


def check_no_query(query: str) -> None:
    """Raise ParameterError if the URL has a query string, because all parameters must be in the body."""
    if query:
        raise ParameterError(["the address has parameters"], ["all parameters in the body"])


def check_encoding(headers: Headers) -> None:
    """Raise UnsupportedBody if the body is compressed or its character encoding is neither UTF-8 nor ASCII."""
    encoding = headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("", "identity"):
        shown = quote_text(encoding)
        raise UnsupportedBody(f"the body is encoded as [{shown}]: send it uncompressed, without Content-Encoding")
    charset = parse_options_header(headers.get("Content-Type"))[1].get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedBody(f"the body's character encoding is [{quote_text(charset)}]: send the body in UTF-8")


def check_header(header: list[str]) -> None:
    """Raise ParameterError if a column is unknown, repeated or missing."""
    errors = [f"unknown column [{quote_text(name)}]" for name in header if name not in BY_NAME]
    used = [name for name in header if name in BY_NAME]
    first: dict[Parameter, str] = {}
    for name in used:
        first.setdefault(BY_NAME[name], name)
    parameters = [BY_NAME[name] for name in used]
    errors += [f"column [{name}] is repeated" for p, name in first.items() if parameters.count(p) > 1]
    english = has_english_name(header, HOUSEHOLD)
    errors += [f"column [{p.get_name(english)}] is missing" for p in HOUSEHOLD if p.required and p not in first]
    if errors:
        raise ParameterError(errors, [describe_header()])


def describe_header() -> str:
    """Return a description of the expected header line."""
    return "a first line that names the columns: " + join_names(HOUSEHOLD)

"""Parser of the body of `POST /`, which contains one household in JSON, or a batch in JSON or CSV."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from flask import Request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header

from income_tax.households.parameters_and_decoders import CALCULATION, JsonDecoder, Values, quote_text
from income_tax.households.table_rows import read_rows
from income_tax.households.validation import HouseholdSchema, ParameterError, list_members
from income_tax.http.responses import CSV, JSON

from .strict_json import OBJECTS, RepeatedKeyError, parse_json

if TYPE_CHECKING:
    from income_tax.households.batch_validation import ParsedBatch

# BodyReader counts the commas before it parses JSON, and rejects JSON with too many commas, to save memory. A household
# has at most seven values.
MAX_VALUES = 20  # JSON can contain `limit` * MAX_VALUES commas
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
        return self._parse_json(body) if content_type == JSON else self._parse_csv(body)

    def _parse_json(self, body: bytes) -> "Values | ParsedBatch":
        if body.count(b",") > self.limit * MAX_VALUES:
            self._refuse_commas(body)
        content = parse_json(body)
        if isinstance(content, dict | RepeatedKeyError):
            return OBJECT_SCHEMA.parse(list_members(content), self.years)
        if not isinstance(content, list):
            raise ParameterError(["the body is neither an object nor an array"], [OBJECTS])
        self._check_count(len(content))
        from income_tax.households.batch_validation import parse_objects  # noqa: PLC0415 - the first batch imports numpy

        return parse_objects(content, self.years)

    def _parse_csv(self, body: bytes) -> "ParsedBatch":
        table = read_rows(body, self.limit)
        self._check_count(len(table.rows))
        from income_tax.households.batch_validation import parse_rows  # noqa: PLC0415 - the first batch imports numpy

        return parse_rows(table, self.years)

    def _refuse_commas(self, body: bytes) -> NoReturn:
        """Refuse a body with too many commas, without the memory for parsing it."""
        if body.count(b"{") > self.limit:
            raise TooManyHouseholds
        raise ParameterError(["the body has too many values"], [f"at most {MAX_VALUES} values per household"])

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

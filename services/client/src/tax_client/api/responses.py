"""The parser of API responses, which checks each result against the household that was sent."""

from collections.abc import Sequence
from itertools import product
from operator import itemgetter
from typing import Any

import orjson

from tax_client.taxpayers.columns_and_values import Taxpayer

from .request_failures import ADVICE, Answer, ApiError, build_shape_error, explain_failure, quote_body, quote_text

# The fields of a result in the API's order. A result under the tutorial's rules (v7) has V7_FIELDS. A result under the
# law of a year has DATED_FIELDS.
V7_FIELDS = ("married", "children", "salary", "tax", "surcharge", "rate", "discount", "reduction")
DATED_FIELDS = (
    *("income_year", "married", "single_parent", "children", "salary", "spouse_salary", "taxable_income", "shares"),
    *("tax", "surcharge", "rate", "discount", "reduction", "cehr", "collected"),
)
FLOATS = ("rate", "shares")
WORDS = ("married", "single_parent")

Fields = dict[str, Any]  # maps field names of a result to values; holds "notes" only if the result has notes


class ResultShape:
    """The names of a result's fields in order, and the allowed types of the fields."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._read = itemgetter(*names)
        self._signatures = set(product(*(allowed_types(name) for name in names)))

    def read_values(self, result: Any) -> tuple[Any, ...]:
        """Return the values of the fields.

        Raises TypeError if the result is not a JSON object, KeyError if a field is missing, or ValueError if a value
        has a wrong type.
        """
        values: tuple[Any, ...] = self._read(result)
        if tuple(map(type, values)) not in self._signatures:
            pairs = zip(self.names, values, strict=True)
            wrong = next(name for name, value in pairs if type(value) not in allowed_types(name))
            raise ValueError(f"[{wrong}] is not of type {' or '.join(kind.__name__ for kind in allowed_types(wrong))}")
        return values


def allowed_types(name: str) -> tuple[type, ...]:
    """Return the Python types that are valid for the parsed JSON value of a field."""
    return (str,) if name in WORDS else (float, int) if name in FLOATS else (int,)


V7, DATED = ResultShape(V7_FIELDS), ResultShape(DATED_FIELDS)


def parse_result(answer: Answer, taxpayer: Taxpayer) -> Fields:
    """Return the result of a taxpayer. Raises ApiError if the answer holds no valid result for this taxpayer."""
    content = parse_content(answer)
    try:
        result = content["result"]
    except (KeyError, TypeError):
        raise build_shape_error('{"response": {"result": {...}}}', quote_body(answer)) from None
    return check_result(result, taxpayer)


def parse_results(answer: Answer, taxpayers: Sequence[Taxpayer]) -> list[Fields | ApiError]:
    """Return one item for each taxpayer of a batch, in order.

    An item is a result, or an ApiError if the answer holds no valid result for the taxpayer. Raises ApiError if the
    whole answer is invalid, or if the number of results differs from the number of taxpayers.
    """
    content = parse_content(answer)
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, list) or len(results) != len(taxpayers):
        wanted = f'{{"response": {{"results": [...]}}}} with {len(taxpayers)} results'
        raise build_shape_error(wanted, quote_body(answer))
    return [parse_batch_item(item, taxpayer) for item, taxpayer in zip(results, taxpayers, strict=True)]


def parse_batch_item(item: Any, taxpayer: Taxpayer) -> Fields | ApiError:
    """Return the result of one taxpayer of a batch, or an ApiError if the item holds no valid result."""
    try:
        if "errors" in item:
            reason = quote_text("; ".join(map(str, item["errors"])))
            return ApiError("refused", f"expected a result, but the server reported [{reason}]: {ADVICE[400]}")
        return check_result(item["result"], taxpayer)
    except ApiError as error:
        return error
    except (KeyError, TypeError):
        return build_shape_error('{"result": {...}} or {"errors": [...]}', quote_text(str(item)))


def parse_content(answer: Answer) -> Any:
    """Return the value of "response" in the body. Raises ApiError if the status is not 200 or the body is invalid."""
    if answer.status != 200:
        raise ApiError(f"status {answer.status}", explain_failure(answer), answer.retry_after)
    try:
        return orjson.loads(answer.body)["response"]
    except orjson.JSONDecodeError:
        raise ApiError("not JSON", f"expected a JSON result, got [{quote_body(answer)}]: {ADVICE[404]}") from None
    except (KeyError, TypeError):
        raise build_shape_error('{"response": {...}}', quote_body(answer)) from None


def check_result(result: Any, taxpayer: Taxpayer) -> Fields:
    """Return the known fields and the notes of a result.

    Raises ApiError if a field is missing or has a wrong type, or if the result is that of another household.
    """
    shape, sent = (V7, taxpayer[1:4]) if taxpayer.year is None else (DATED, expect_echo(taxpayer))
    try:
        values = shape.read_values(result)
    except (KeyError, TypeError, ValueError) as error:
        raise build_shape_error(f"a complete result (wrong or missing: {error})", quote_text(str(result))) from None
    if values[: len(sent)] != sent:
        names, echo = ", ".join(shape.names[: len(sent)]), values[: len(sent)]
        found = f"expected the result of ({names}) {sent}, got the result of {echo}"
        raise ApiError("wrong echo", f"{found}: report this error and the request's id")
    if tuple(result) == shape.names:  # most results hold exactly these fields in order
        return result  # type: ignore[no-any-return]
    notes = {"notes": result["notes"]} if "notes" in result else {}
    return dict(zip(shape.names, values, strict=True)) | notes


def expect_echo(taxpayer: Taxpayer) -> tuple[Any, ...]:
    """Return the household's values that a dated result must repeat. An omitted field has the API's default value."""
    _id, married, children, salary, year, single_parent, spouse_salary = taxpayer
    return year, married, single_parent or "no", children, salary, spouse_salary or 0

"""Strict JSON parser of request bodies. It reports repeated keys, and accepts numbers that are too large for orjson.

It also does not round a fraction to an integer.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from income_tax.households.parameters_and_decoders import quote_text
from income_tax.households.validation import ParameterError
from tax_common.tables.content_kind import HEAD, find_wrong_encoding, find_wrong_kind

OBJECTS = "a JSON object with the parameters of a household, or an array of such objects"
MAX_DIGITS = 20  # maximum characters in an integer; TOO_LARGE replaces each longer integer
FRACTIONS = (b".", b"e-", b"E-")  # a number without any of these is an integer
LONG_NUMBER = re.compile(rb"[0-9][0-9.]{16}")  # a float has 17 significant digits, so it can round a longer number
TOO_LARGE = float("inf")  # every parameter rejects this value


class RepeatedKeyError(ParameterError):
    """A JSON object repeats a key. The parser replaces the object with the error. `list_members` raises the error."""

    def __init__(self, key: str) -> None:
        name = quote_text(key)
        super().__init__([f"parameter [{name}] is repeated in one object"], [f"[{name}] once"])


def parse_json(body: bytes) -> Any:
    """Parse one object or an array. In the result, a RepeatedKeyError replaces each household that repeats a key.

    Raises ParameterError if the body is not JSON in UTF-8 (RFC 8259, 8.1).
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Try the slow parser, because orjson also rejects a body that contains a number outside the range of a float.
        content = parse_slowly(body, str(error))
    else:
        if any(sign in body for sign in FRACTIONS) and LONG_NUMBER.search(body):
            content = parse_slowly(body, "a number has too many digits")
    if may_repeat_keys(body, content):
        return replace_repeats(content, parse_slowly(body, "an object has a key twice"))
    return content


def may_repeat_keys(body: bytes, content: Any) -> bool:
    """Return False if no object can repeat a key. Return True if a repetition is certain or possible."""
    objects = content if isinstance(content, list) else [content]
    # A colon follows each key, and orjson keeps only one of two equal keys. If a key is repeated, the body therefore
    # has more colons than `content` has keys. Blanks before colons, colons in text, and nested objects also make the
    # counts differ.
    return not body.count(b'":') == body.count(b":") == sum(len(item) for item in objects if type(item) is dict)


def replace_repeats(content: Any, checked: Any) -> Any:
    """Return the content, but put a RepeatedKeyError in the place of each household that repeats a key.

    `checked` is the result of the slow parser for the same body. That result contains the errors.
    """
    if isinstance(content, list) and isinstance(checked, list):
        return [find_repeat(other) or item for item, other in zip(content, checked, strict=True)]
    return find_repeat(checked) or content


def find_repeat(checked: Any) -> RepeatedKeyError | None:
    """Return a RepeatedKeyError from any depth of the parsed value, or None if the value contains no such error."""
    stack = [checked]
    while stack:
        value = stack.pop()
        if isinstance(value, RepeatedKeyError):
            return value
        stack += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return None


def parse_slowly(body: bytes, reason: str) -> Any:
    """Parse JSON with the parser of Python's standard library, which accepts long numbers and finds repeated keys.

    Raises ParameterError if the body is not JSON (RFC 8259) or is nested too deeply. For a body that is not JSON, the
    error message contains `reason`.
    """

    def reject(_constant: str) -> NoReturn:
        raise ValueError

    def parse_number(text: str) -> int | float:
        return TOO_LARGE if len(text) > MAX_DIGITS else int(text)

    try:
        return json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=build_object,
            parse_int=parse_number,
            parse_float=parse_float,
            parse_constant=reject,
        )
    except RecursionError:
        raise ParameterError(["the body is not JSON: it is nested too deeply"], [OBJECTS]) from None
    except ValueError:
        wrong = find_wrong_kind(body[:HEAD]) or find_wrong_encoding(body)
        raise ParameterError([f"the body is not JSON: {wrong or reason}"], [OBJECTS]) from None


def parse_float(text: str) -> float | str:
    """Convert a number with a fraction or an exponent. If the conversion would round it to an integer, return the text.

    Every parameter rejects the text, and the error message quotes it.
    """
    number = float(text)
    if not number.is_integer():
        return number
    try:
        return number if Decimal(text) == number else text
    except InvalidOperation:  # the exponent is too large for a decimal number
        return text


def build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | RepeatedKeyError:
    """Build a JSON object, or a RepeatedKeyError if the object repeats a key."""
    content = dict(pairs)
    if len(content) == len(pairs):
        return content
    seen: set[str] = set()
    return RepeatedKeyError(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]

"""Strict JSON parser of a body, which reports repeated keys and accepts numbers that are too large for orjson."""

import json
from typing import Any, NoReturn

import orjson

from income_tax.households.parameters import quote_text
from income_tax.households.validation import ParameterError

OBJECTS = "a JSON object with the parameters of a household, or an array of such objects"
MAX_DIGITS = 20  # characters in an integer; longer integers are replaced with TOO_LARGE
TOO_LARGE = float("inf")  # not a valid value of any parameter


class RepeatedKeyError(ParameterError):
    """A JSON object repeats a key. The error replaces the object and is raised when the members are read."""

    def __init__(self, key: str) -> None:
        name = quote_text(key)
        super().__init__([f"parameter [{name}] is repeated in one object"], [f"[{name}] once"])


def parse_json(body: bytes) -> Any:
    """Parse JSON. Replace each object that repeats a key, also within an array, with a RepeatedKeyError.

    Raises ParameterError if the body is not JSON.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # orjson rejects the whole body if one number exceeds the range of a float.
        content = parse_slowly(body, str(error))
    if may_repeat_keys(body, content):
        return replace_repeats(content, parse_slowly(body, "an object has a key twice"))
    return content


def may_repeat_keys(body: bytes, content: Any) -> bool:
    """Return False if certainly no object repeats a key. True can be a false positive."""
    objects = content if isinstance(content, list) else [content]
    # A colon follows each key, and orjson keeps only one of two equal keys. The counts also differ if the body has
    # blanks before colons, colons in text, or nested objects. The slow parser then checks each object.
    return not body.count(b'":') == body.count(b":") == sum(len(item) for item in objects if type(item) is dict)


def replace_repeats(content: Any, checked: Any) -> Any:
    """Return the content with an error in place of each object that repeats a key. `checked` contains the errors."""
    if isinstance(content, list) and isinstance(checked, list):
        return [find_repeat(other) or item for item, other in zip(content, checked, strict=True)]
    return find_repeat(checked) or content


def find_repeat(checked: Any) -> RepeatedKeyError | None:
    """Return a RepeatedKeyError that the parsed value contains at any depth, or None if no key is repeated."""
    stack = [checked]
    while stack:
        value = stack.pop()
        if isinstance(value, RepeatedKeyError):
            return value
        stack += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return None


def parse_slowly(body: bytes, reason: str) -> Any:
    """Parse JSON with the parser of Python's standard library, which accepts long numbers and finds repeated keys.

    Raises ParameterError with the given reason if the body is not JSON (RFC 8259).
    """

    def reject(_constant: str) -> NoReturn:
        raise ValueError

    def parse_number(text: str) -> int | float:
        return TOO_LARGE if len(text) > MAX_DIGITS else int(text)

    try:
        return json.loads(body, object_pairs_hook=build_object, parse_int=parse_number, parse_constant=reject)
    except RecursionError:
        raise ParameterError(["the body is not JSON: it is nested too deeply"], [OBJECTS]) from None
    except ValueError:
        raise ParameterError([f"the body is not JSON: {reason}"], [OBJECTS]) from None


def build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | RepeatedKeyError:
    """Build a JSON object, or a RepeatedKeyError if the object repeats a key."""
    content = dict(pairs)
    if len(content) == len(pairs):
        return content
    seen: set[str] = set()
    return RepeatedKeyError(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]

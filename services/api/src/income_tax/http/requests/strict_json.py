"""JSON of a body, with the errors that a usual parser hides: repeated keys, and numbers that it cannot represent."""

import json
from typing import Any, NoReturn

import orjson

from income_tax.households.parameters import quote_text
from income_tax.households.validation import ParameterError

OBJECTS = "a JSON object with the parameters of a household, or an array of such objects"
MAX_DIGITS = 20  # characters of a number; a longer one becomes TOO_LARGE
TOO_LARGE = float("inf")  # an invalid value of every parameter


class RepeatedKeyError(ParameterError):
    """An object has a key twice. It stands in the place of the object until somebody needs the object's members."""

    def __init__(self, key: str) -> None:
        name = quote_text(key)
        super().__init__([f"parameter [{name}] is repeated in one object"], [f"[{name}] once"])


def parse_json(body: bytes) -> Any:
    """Parse JSON; a RepeatedKeyError replaces an object with a repeated key, also within an array.

    Raise ParameterError if the body is not JSON.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # orjson rejects numbers that no float holds, and with them all other households.
        content = parse_slowly(body, str(error))
    if may_repeat_keys(body, content):
        return replace_repeats(content, parse_slowly(body, "an object has a key twice"))
    return content


def may_repeat_keys(body: bytes, content: Any) -> bool:
    """Return whether an object may have a key twice, of which orjson drops one; False is always right."""
    objects = content if isinstance(content, list) else [content]
    # A colon follows each key, and few values hold one. Where the counts differ (blanks, colons in text, nested
    # objects), the slow parser checks each object.
    return not body.count(b'":') == body.count(b":") == sum(len(item) for item in objects if type(item) is dict)


def replace_repeats(content: Any, checked: Any) -> Any:
    """Return the content with an error in place of each object in which the slow parser found a repeated key."""
    if isinstance(content, list) and isinstance(checked, list):
        return [find_repeat(other) or item for item, other in zip(content, checked, strict=True)]
    return find_repeat(checked) or content


def find_repeat(checked: Any) -> RepeatedKeyError | None:
    """Return the first repeated key at any depth, None without one."""
    stack = [checked]
    while stack:
        value = stack.pop()
        if isinstance(value, RepeatedKeyError):
            return value
        stack += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return None


def parse_slowly(body: bytes, reason: str) -> Any:
    """Parse JSON by Python's own parser, which takes numbers of any length and reports repeated keys.

    Raise ParameterError with this reason if the body is not JSON (RFC 8259).
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
    """Build a JSON object, or the error of a repeated key."""
    content = dict(pairs)
    if len(content) == len(pairs):
        return content
    seen: set[str] = set()
    return RepeatedKeyError(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]

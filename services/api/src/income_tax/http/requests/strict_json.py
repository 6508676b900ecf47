"""JSON of a body, and what a parser would drop in silence or refuse without saying where."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from income_tax.households.parameters import shown
from income_tax.households.validation import ParameterError

OBJECTS = "a JSON object of the parameters of a household, or an array of such"
LONGEST = 20  # characters of a number that is taken as one; a longer one stands for TOO_LARGE
TOO_LARGE = float("inf")  # no figure of a household


@dataclass(frozen=True, slots=True)
class Repeated:
    """Stands for an object that has a key twice."""

    key: str

    def error(self) -> ParameterError:
        """What is wrong with it."""
        key = shown(self.key)
        return ParameterError([f"parameter [{key}] is repeated in one object"], [f"[{key}] once"])


def parse(body: bytes) -> Any:
    """What the JSON says; an object that has a key twice is a `Repeated`, also within an array.

    Raises ParameterError when it is not JSON.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # It refuses numbers that no float holds, and with them all other households.
        content = slowly(body, str(error))
    if may_repeat_keys(body, content):
        return with_repeats(content, slowly(body, "an object has a key twice"))
    return content


def may_repeat_keys(body: bytes, content: Any) -> bool:
    """Whether an object may have a key twice, of which the parser has dropped one; seldom wrong, never with no."""
    objects = content if isinstance(content, list) else [content]
    # A key is followed by a colon, and so are few values. Where the counts differ (blanks, colons in text, nested
    # objects), each object is looked at.
    return not body.count(b'":') == body.count(b":") == sum(len(item) for item in objects if type(item) is dict)


def with_repeats(content: Any, looked_at: Any) -> Any:
    """The content, with `Repeated` for the objects in which one was found, or within which."""
    if isinstance(content, list) and isinstance(looked_at, list):
        return [repeat(seen) or item for item, seen in zip(content, looked_at, strict=True)]
    return repeat(looked_at) or content


def repeat(content: Any) -> Repeated | None:
    """The first object with a key twice in what `slowly` gave, None without one."""
    todo = [content]
    while todo:
        one = todo.pop()
        if isinstance(one, Repeated):
            return one
        todo += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return None


def slowly(body: bytes, otherwise: str) -> Any:
    """What the JSON says by Python's own parser: numbers of any length, and `Repeated` for objects with a key twice.

    Raises ParameterError with the reason `otherwise` when it is not JSON (RFC 8259).
    """

    def refuse(_constant: str) -> NoReturn:
        raise ValueError

    def number(text: str) -> int | float:
        return TOO_LARGE if len(text) > LONGEST else int(text)

    try:
        return json.loads(body, object_pairs_hook=distinct, parse_int=number, parse_constant=refuse)
    except RecursionError:
        raise ParameterError(["the body is not JSON: it is nested too deeply"], [OBJECTS]) from None
    except ValueError:
        raise ParameterError([f"the body is not JSON: {otherwise}"], [OBJECTS]) from None


def distinct(pairs: list[tuple[str, Any]]) -> "dict[str, Any] | Repeated":
    """An object of JSON, or what stands for one that has a key twice."""
    content = dict(pairs)
    if len(content) == len(pairs):
        return content
    seen: set[str] = set()
    return Repeated(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]

"""Hides what may be somebody's amount: every number that a person typed or was told, however it is written."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import structlog

Event = structlog.typing.EventDict

# What a person types or is told: numbers in these fields are personal data.
PERSONAL = ("url", "body", "taxpayer", "result", "text")
# What went wrong: it may quote that.
QUOTING = ("reason", "exception")

# An escape may stand for a digit of another script, in each of its bytes; half a number would still be one.
DIGIT = r"(?:[0-9]|%[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})"
# A request's id in an answer; where an error came from, in a traceback.
KEPT = r'"request_id": ?"[A-Za-z0-9._-]*"|^  File "(?:/[^"\n]+\.py|<[a-z ._]+>)", line [0-9]+'
KEPT_OR_NUMBER = re.compile(rf"({KEPT})|{DIGIT}+(?:\.{DIGIT}+)*", re.MULTILINE)


def masked(value: Any) -> Any:
    """The text, or the mapping of texts and numbers, without its numbers; a mapping keeps its `id`."""
    if isinstance(value, str):
        return KEPT_OR_NUMBER.sub(lambda found: found[1] or "*", value if value.isascii() else with_plain_digits(value))
    if isinstance(value, Mapping):
        return {name: one if name == "id" else masked(str(one)) for name, one in value.items()}
    return value


def with_plain_digits(text: str) -> str:
    """The text with a 0 for each sign of a number that is not ASCII, and for what may be a byte of one.

    Where UTF-8 was read as Latin-1, every character's last byte is one of U+0080 to U+00BF, among which is no letter of
    a word.
    """
    return "".join("0" if c > "\x7f" and (c <= "\xbf" or c.isnumeric()) else c for c in text)


def amounts_masked(plain: Collection[str]) -> structlog.typing.Processor:
    """A processor that hides numbers in the fields that hold what a person typed or was told.

    At the places `plain`, outside any request, nobody's amounts are quoted: what went wrong there is told as it is.
    """

    def mask(_logger: Any, _level: str, event: Event) -> Event:
        nobody = "request_id" not in event and event.get("place") in plain
        for name in PERSONAL if nobody else (*PERSONAL, *QUOTING):
            if name in event:
                event[name] = masked(event[name])
        return event

    return mask

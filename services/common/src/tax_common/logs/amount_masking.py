"""Masking of amounts in log lines: every number of a request or of its answer, however it is written."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import structlog

Event = structlog.typing.EventDict

# Fields that quote a request or its answer: their numbers are personal data.
PERSONAL = ("url", "body", "taxpayer", "result", "text")
# Fields that describe an error, which may quote them.
QUOTING = ("reason", "exception")

# An escape may stand for a digit of another script, in each of its bytes; half a number would still be one.
DIGIT = r"(?:[0-9]|%[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})"
# The request id of an answer, and the origin of an error in a traceback.
KEPT = r'"request_id": ?"[A-Za-z0-9._-]*"|^  File "(?:/[^"\n]+\.py|<[a-z ._]+>)", line [0-9]+'
KEPT_OR_NUMBER = re.compile(rf"({KEPT})|{DIGIT}+(?:\.{DIGIT}+)*", re.MULTILINE)


def mask_amounts(value: Any) -> Any:
    """Replace the numbers of a text, or of a mapping's values, by asterisks; a mapping keeps its `id`."""
    if isinstance(value, str):
        text = value if value.isascii() else normalize_digits(value)
        return KEPT_OR_NUMBER.sub(lambda found: found[1] or "*", text)
    if isinstance(value, Mapping):
        return {name: one if name == "id" else mask_amounts(str(one)) for name, one in value.items()}
    return value


def normalize_digits(text: str) -> str:
    """Put a 0 in place of each numeric character outside ASCII, and of each that may be a byte of one.

    Where UTF-8 was read as Latin-1, the last byte of every character is one of U+0080 to U+00BF, and no letter of a
    word is.
    """
    return "".join("0" if c > "\x7f" and (c <= "\xbf" or c.isnumeric()) else c for c in text)


def build_masking_processor(plain: Collection[str]) -> structlog.typing.Processor:
    """Build a processor that masks amounts in the fields that quote a request, its answer or an error.

    Errors at the places `plain`, outside all requests, quote no amounts and stay readable.
    """

    def mask(_logger: Any, _level: str, event: Event) -> Event:
        is_plain = "request_id" not in event and event.get("place") in plain
        for name in PERSONAL if is_plain else (*PERSONAL, *QUOTING):
            if name in event:
                event[name] = mask_amounts(event[name])
        return event

    return mask

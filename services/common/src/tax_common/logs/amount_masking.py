"""Masking of amounts in log lines. All numbers of a request or its response are masked, in every notation."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import structlog

Event = structlog.typing.EventDict

# Fields that quote a request or its response. The numbers in these fields are personal data.
PERSONAL = ("url", "body", "taxpayer", "result", "text")
# Fields that describe an error. The error might quote personal data.
QUOTING = ("reason", "exception")

# A digit, an escaped character, or an escaped byte. An escaped byte might be part of a non-ASCII digit.
DIGIT = r"(?:[0-9]|%[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})"
# Text that is not masked. It is the request id of a response, or the file and line in a traceback.
KEPT = r'"request_id": ?"[A-Za-z0-9._-]*"|^  File "(?:/[^"\n]+\.py|<[a-z ._]+>)", line [0-9]+'
KEPT_OR_NUMBER = re.compile(rf"({KEPT})|{DIGIT}+(?:\.{DIGIT}+)*", re.MULTILINE)


def mask_amounts(value: Any) -> Any:
    """Replace each number in a text, or in a mapping's values, with an asterisk. Keep the value of the key `id`."""
    if isinstance(value, str):
        text = value if value.isascii() else normalize_digits(value)
        return KEPT_OR_NUMBER.sub(lambda found: found[1] or "*", text)
    if isinstance(value, Mapping):
        return {name: one if name == "id" else mask_amounts(str(one)) for name, one in value.items()}
    return value


def normalize_digits(text: str) -> str:
    """Replace each non-ASCII numeric character with 0. Also replace U+0080 to U+00BF with 0.

    If UTF-8 is decoded as Latin-1, the last byte of each non-ASCII digit becomes a character from U+0080 to U+00BF.
    French and English words contain no characters of this range.
    """
    return "".join("0" if c > "\x7f" and (c <= "\xbf" or c.isnumeric()) else c for c in text)


def build_masking_processor(plain: Collection[str]) -> structlog.typing.Processor:
    """Build a processor that masks amounts in the fields that quote a request, its response or an error.

    If an error is logged outside requests and its field `place` is in `plain`, the error is not masked, because it does
    not quote amounts.
    """

    def mask(_logger: Any, _level: str, event: Event) -> Event:
        is_plain = "request_id" not in event and event.get("place") in plain
        for name in PERSONAL if is_plain else (*PERSONAL, *QUOTING):
            if name in event:
                event[name] = mask_amounts(event[name])
        return event

    return mask

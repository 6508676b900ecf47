"""Formatting of text for logs, terminals, mails and error messages."""

import unicodedata
from collections.abc import Mapping

# Characters that could end a line or control a terminal: C0, DEL, C1 and the two Unicode line separators.
CONTROLS = {c: f"\\x{c:02x}" for c in (*range(0x20), *range(0x7F, 0xA0))} | {0x2028: "\\u2028", 0x2029: "\\u2029"}
INVISIBLE = ("Cc", "Cf", "Zl", "Zp", "Zs")  # categories of Unicode


def escape_controls(text: str) -> str:
    """Escape the characters that could end a line or control a terminal."""
    return text.translate(CONTROLS)


def replace_surrogates(text: str) -> str:
    """Replace each lone surrogate, which UTF-8 cannot encode, with a question mark."""
    return text.encode("utf-8", "replace").decode()


def truncate(text: str, limit: int, mark: str = "…") -> str:
    """Truncate a text that is longer than `limit` characters, and append the mark."""
    return text if len(text) <= limit else text[:limit] + mark


def truncate_with_length(text: str, limit: int) -> str:
    """Truncate a text that is longer than `limit` characters, and append the original length."""
    return truncate(text, limit, f"... ({len(text)} characters)")


def format_fields(fields: Mapping[str, str], limit: int) -> str:
    """Format each field as a line `name: value`. Escape control characters, and truncate long values."""
    return "".join(f"{name}: {escape_controls(truncate(value, limit, ' [cut]'))}\n" for name, value in fields.items())


def show_invisible(text: str) -> str:
    """Replace each invisible character except the blank, such as a no-break space, with its code, as in <U+00A0>.

    Invisible characters are the separators, the controls and the format characters of Unicode.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"<U+{ord(c):04X}>" if c != " " and unicodedata.category(c) in INVISIBLE else c for c in text)

"""Names and values of a query string."""

from urllib.parse import unquote_to_bytes

from income_tax.households.parameters import composed


def decode(encoded: str) -> str:
    """The text behind percent-encoding, composed (é is one character); what is not UTF-8 shows as U+FFFD."""
    return composed(unquote_to_bytes(encoded.replace("+", " ")).decode("utf-8", "replace"))


def pairs(query: str) -> list[tuple[str, str]]:
    """Names and values, in order (WHATWG URL, application/x-www-form-urlencoded)."""
    if "%" not in query and "+" not in query and query.isascii():  # nothing to decode
        return [(part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part]
    parts = [part.partition("=") for part in query.split("&") if part]
    return [(decode(name), decode(value)) for name, _, value in parts]

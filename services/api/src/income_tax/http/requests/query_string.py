"""Parser of query strings."""

from urllib.parse import unquote_to_bytes

from income_tax.households.parameters_and_decoders import normalize_name


def parse_query(query: str) -> list[tuple[str, str]]:
    """Return the name-value pairs of a query string of the type `application/x-www-form-urlencoded` (WHATWG URL)."""
    parts = [part.partition("=") for part in query.split("&") if part]
    if "%" not in query and "+" not in query and query.isascii():  # nothing to decode
        return [(name, value) for name, _, value in parts]
    return [(decode(name), decode(value)) for name, _, value in parts]


def decode(encoded: str) -> str:
    """Decode percent-encoded text and normalize it to Unicode NFC. Replace invalid UTF-8 with U+FFFD."""
    return normalize_name(unquote_to_bytes(encoded.replace("+", " ")).decode("utf-8", "replace"))

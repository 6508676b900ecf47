"""Encoding of header texts by RFC 2047. The standard library's folding joins or splits some encoded words wrongly."""

from base64 import b64encode

LONGEST_PLAIN = 67  # characters of a text that fits into the first line of a header such as `Subject: `
WORD_BYTES = 39  # bytes of each encoded word, which has 64 characters; RFC 2047 allows 75 per word and 76 per line


def encode_text(text: str, longest: int = LONGEST_PLAIN) -> str:
    """Return an ASCII text that every mail program decodes to `text`.

    A short ASCII text remains unchanged. Any other text becomes encoded words of UTF-8 in base64, one per line. Lone
    surrogates become question marks.
    """
    is_plain = text.isascii() and text.isprintable() and "=?" not in text and text == " ".join(text.split())
    if is_plain and len(text) <= longest:
        return text
    return "\r\n ".join(f"=?utf-8?b?{b64encode(part).decode('ascii')}?=" for part in split_text(text, WORD_BYTES))


def split_text(text: str, size: int) -> list[bytes]:
    """Encode the text in UTF-8, and split it between characters into parts of up to `size` bytes."""
    parts = [b""]
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(parts[-1]) + len(encoded) > size:
            parts.append(b"")
        parts[-1] += encoded
    return parts

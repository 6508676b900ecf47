"""The text of passwords and credentials, as files, pipes and HTTP headers contain it."""

import unicodedata

MARK = "\ufeff"  # the byte order mark, which some editors and shells write at the beginning of UTF-8 text
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # the byte order marks of UTF-16


def decode_secret(content: bytes) -> str:
    """Return the one line of text that a file or pipe contains, without line ends and byte order mark, in NFC.

    Raises ValueError if the content is not such a line. The message describes the remedy, and never quotes the content.
    """
    if content.startswith(UTF_16) or b"\0" in content:
        raise ValueError("the text is UTF-16 or contains NUL bytes: save it as UTF-8")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("the text is not UTF-8: save it as UTF-8") from None
    text = normalize_secret(text.strip(f"\r\n{MARK}"))
    if not text:
        raise ValueError("the text is empty: write one line")
    if has_control_characters(text):
        raise ValueError("the text has several lines or control characters: write one line of printable characters")
    return text


def normalize_secret(text: str) -> str:
    """Return the text in NFC, as RFC 8265 requires. Systems send the same é as one or as two characters."""
    return unicodedata.normalize("NFC", text)


def has_control_characters(text: str) -> bool:
    """Return whether the text has control characters, which RFC 7617 and RFC 8265 forbid in credentials."""
    return any(unicodedata.category(character) == "Cc" for character in text)

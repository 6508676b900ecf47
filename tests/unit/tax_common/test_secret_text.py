"""The one line of text in a password file or pipe, and its errors."""

import pytest

from tax_common.secret_text import decode_secret, has_control_characters

SECRET = " s3cret pä:ss "


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\n\ufeff"], ids=ascii)
@pytest.mark.parametrize("start", ["", "\ufeff", "\n", "\ufeff\r\n"], ids=ascii)
def test_line_ends_and_byte_order_marks_are_removed(start: str, end: str) -> None:
    """Line ends and byte order marks around a secret are removed. Its blanks, colons and accents remain."""
    assert SECRET == decode_secret(f"{start}{SECRET}{end}".encode())


def test_secrets_are_in_nfc() -> None:
    """A decomposed accent is composed, as RFC 8265 requires."""
    assert "pässword" == decode_secret("pa\u0308ssword\n".encode())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("pass word\r\n".encode("utf-16"), "UTF-16"),
        ("pass word".encode("utf-16-le"), "UTF-16"),
        ("pass word".encode("utf-16-be"), "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
        (b"pass\0word\n", "NUL bytes"),
        ("pässword".encode("cp1252"), "not UTF-8"),
        (b"", "empty"),
        ("\ufeff\r\n".encode(), "empty"),
        (b"one\ntwo\n", "several lines"),
        (b"one\rtwo", "several lines"),
        (b"one\ttwo", "control characters"),
        ("one\x85two".encode(), "control characters"),
    ],
)
def test_other_contents_are_errors(content: bytes, reason: str) -> None:
    """The error names the reason, describes the remedy and does not quote the content."""
    with pytest.raises(ValueError, match=reason) as caught:
        decode_secret(content)
    assert "word" not in str(caught.value)
    assert any(remedy in str(caught.value) for remedy in ("save it as UTF-8", "write one line"))


def test_controls_are_c0_del_and_c1() -> None:
    """Exactly the characters of the category Cc are control characters. Other invisible characters are not."""
    controls = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}
    assert controls == {chr(code) for code in range(0x3000) if has_control_characters(f"a{chr(code)}b")}

"""Tests of the parser of the credentials file."""

import pytest

from tax_client.api.credentials import Credentials, parse_credentials


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"admin:secret", Credentials("admin", "secret")),
        (b"admin:secret\r\n", Credentials("admin", "secret")),
        (b"\r\nadmin:secret\n\n", Credentials("admin", "secret")),
        (b"admin: se:cret \n", Credentials("admin", " se:cret ")),
        ("admin:mot de pass\u0065\u0301".encode(), Credentials("admin", "mot de passé")),
        ("\ufeffélu:mot de passé\n".encode(), Credentials("élu", "mot de passé")),
    ],
)
def test_credentials_are_one_line(content: bytes, expected: Credentials) -> None:
    """The login name ends at the first colon, and the password keeps its colons, blanks and accents."""
    assert expected == parse_credentials(content)


@pytest.mark.parametrize(
    "content", [b"", b"admin", b"admin:", b":secret", b"a:b\nc:d\n", b"a:\xff", b"a:b\x00", b"a\tb:c"]
)
def test_malformed_credentials_are_an_error(content: bytes) -> None:
    """The parser raises ValueError unless the content is a single line login:password in UTF-8."""
    with pytest.raises(ValueError):
        parse_credentials(content)


def test_credentials_do_not_show_their_password() -> None:
    """The representation of credentials contains the login name, but not the password."""
    assert "Credentials(login='admin')" == repr(Credentials("admin", "hunter2"))

"""Settings and credentials: where they come from, and what is refused."""

from pathlib import Path

import pytest

from tax_client.api.credentials import Credentials, parse_credentials
from tax_client.errors import UserError
from tax_client.settings import load_settings


def test_the_defaults_hold_when_nothing_is_given() -> None:
    """Without options and variables the client asks a local server and logs JSON into the current folder."""
    settings = load_settings({}, {})
    assert ("http://127.0.0.1:8000", None, Path("client.log"), "json", "info", 10.0) == (
        settings.url,
        settings.credentials_file,
        settings.log_file,
        settings.log_format,
        settings.log_level,
        settings.timeout,
    )
    assert (settings.data / "taxpayers.txt").is_file()


def test_an_option_overrides_its_variable_and_an_empty_variable_is_not_set() -> None:
    """The command line wins over the environment, a bad value there included; an empty variable is the default."""
    environment = {"TAX_URL": "nonsense", "LOG_FORMAT": "TEXT", "LOG_LEVEL": "", "TAX_TIMEOUT": "0.5"}
    settings = load_settings({"url": "https://tax.example/api", "log_format": None}, environment)
    assert ("https://tax.example/api", "text", "info", 0.5) == (
        settings.url,
        settings.log_format,
        settings.log_level,
        settings.timeout,
    )


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("LOG_FORMAT", "xml", "LOG_FORMAT: expected json or text, found [xml]"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: expected debug, info, warning or error, found [loud]"),
        ("TAX_TIMEOUT", "0", "TAX_TIMEOUT: expected a number of seconds above 0"),
        ("TAX_TIMEOUT", "-1", "TAX_TIMEOUT: expected a number"),
        ("TAX_TIMEOUT", "nan", "TAX_TIMEOUT: expected a number"),
        ("TAX_TIMEOUT", "inf", "TAX_TIMEOUT: expected a number"),
        ("TAX_TIMEOUT", "soon", "TAX_TIMEOUT: expected a number"),
        ("TAX_URL", "ftp://host", "TAX_URL: expected http://host:port"),
        ("TAX_URL", "127.0.0.1:8000", "TAX_URL: expected http://host:port"),
        ("TAX_URL", "http://", "TAX_URL: expected http://host:port"),
        ("TAX_URL", "http://host:port", "TAX_URL: expected http://host:port"),
        ("TAX_URL", "http://host:99999", "TAX_URL: expected http://host:port"),
        ("TAX_URL", "http://[::1", "TAX_URL: expected http://host:port"),
        ("TAX_URL", "http://host/?a=b", "TAX_URL: expected http://host:port"),
    ],
)
def test_a_bad_value_names_its_variable_and_what_was_expected(variable: str, value: str, expected: str) -> None:
    """A bad variable is one sentence that names it and what it may be."""
    with pytest.raises(UserError) as caught:
        load_settings({}, {variable: value})
    assert str(caught.value).startswith(expected)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    """An address with credentials is an error that does not show them."""
    with pytest.raises(UserError) as caught:
        load_settings({"url": "http://admin:hunter2@host"}, {})
    assert str(caught.value).startswith("--url: expected http://host:port")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"admin:secret", Credentials("admin", "secret")),
        (b"admin:secret\r\n", Credentials("admin", "secret")),
        (b"admin: se:cret \n", Credentials("admin", " se:cret ")),
        ("\ufeffélu:mot de passé\n".encode(), Credentials("élu", "mot de passé")),
    ],
)
def test_credentials_are_one_line(content: bytes, expected: Credentials) -> None:
    """The login ends at the first colon; the password keeps its colons, blanks and accents."""
    assert expected == parse_credentials(content)


@pytest.mark.parametrize(
    "content", [b"", b"admin", b"admin:", b":secret", b"a:b\nc:d\n", b"a:\xff", b"a:b\x00", b"a\tb:c"]
)
def test_malformed_credentials_are_refused(content: bytes) -> None:
    """Anything but one line login:password in UTF-8 is an error."""
    with pytest.raises(ValueError):
        parse_credentials(content)


def test_credentials_do_not_show_their_password() -> None:
    """Printing credentials shows the login alone."""
    assert "Credentials(login='admin')" == repr(Credentials("admin", "hunter2"))

"""Tests of the settings: sources, defaults and errors."""

from pathlib import Path

import pytest

from tax_client.settings import load_settings
from tax_client.user_errors import UserError


def test_defaults_apply_without_options_and_variables() -> None:
    """By default the client calls a local server, and writes JSON logs to the current folder."""
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


def test_an_option_overrides_its_variable_and_an_empty_variable_is_unset() -> None:
    """An option overrides even an invalid environment variable. If the variable is empty, the default applies."""
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
def test_the_error_of_a_bad_value_names_its_variable(variable: str, value: str, expected: str) -> None:
    """The error about an invalid environment variable contains its name and the expected values."""
    with pytest.raises(UserError) as caught:
        load_settings({}, {variable: value})
    assert str(caught.value).startswith(expected)


def test_a_password_in_the_address_is_rejected_and_not_quoted() -> None:
    """The error about an address with credentials does not contain the password."""
    with pytest.raises(UserError) as caught:
        load_settings({"url": "http://admin:hunter2@host"}, {})
    assert str(caught.value).startswith("--url: expected http://host:port")
    assert "hunter2" not in str(caught.value)

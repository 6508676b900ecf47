"""The default settings, and the error messages about wrong settings."""

from pathlib import Path

import pytest

from income_tax.settings import read_settings
from tax_common.settings_reader import SettingsError


def test_defaults_need_no_environment() -> None:
    """By default, the service listens only on loopback and has no drill route, no trusted proxy and no pauses."""
    settings = read_settings({})
    assert ("127.0.0.1:8000", False, "", 0.0) == (
        settings.bind,
        settings.drill_route,
        settings.trusted_proxy,
        settings.sleep_time,
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LOG_FORMAT", "xml", "json or text"),
        ("DB_WAIT", "soon", "a number of seconds, 0 or more"),
        ("SLEEP_TIME", "-1", "a number of seconds, 0 or more"),
        ("SLEEP_TIME", "nan", "a number of seconds, 0 or more"),
        ("SMTP_TIMEOUT", "0", "a number of seconds above 0"),
        ("SMTP_PORT", "70000", "a whole number from 1 to 65535"),
        ("THREADS", "1", "a whole number from 2 to 1024"),
        ("DRILL_ROUTE", "maybe", "off or on"),
        ("SMTP_TLS", "ssl", "none, starttls or tls"),
    ],
)
def test_error_names_a_wrong_setting(name: str, value: str, expected: str) -> None:
    """A wrong setting is rejected with its name, its value and the expected values."""
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    assert f"{name} is [{value}]; expected {expected}" == str(caught.value)


def test_error_names_an_unreadable_secret() -> None:
    """The error about an unreadable password file names the setting and the file."""
    with pytest.raises(SettingsError, match=r"^DB_PASSWORD_FILE=/nowhere/x: cannot be read"):
        read_settings({"DB_PASSWORD_FILE": "/nowhere/x"})


def test_a_folder_is_rejected_as_a_file(tmp_path: Path) -> None:
    """SMTP_CA_FILE is rejected if its value is the path of a folder."""
    with pytest.raises(SettingsError, match=r"^SMTP_CA_FILE=/.*: cannot be read; expected a readable file$"):
        read_settings({"SMTP_CA_FILE": str(tmp_path)})


def test_printed_settings_contain_no_password(tmp_path: Path) -> None:
    """Printed settings do not contain the password of the database or of the mail server."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"\xef\xbb\xbfs3cr3t-of-a-test\r\n")
    settings = read_settings({"DB_PASSWORD_FILE": str(secret), "SMTP_PASSWORD_FILE": str(secret)})
    assert ("s3cr3t-of-a-test",) * 2 == (settings.account.password, settings.mail.password)
    assert "s3cr3t" not in repr(settings) + str(settings)


def test_a_password_file_in_utf_16_is_rejected_by_name(tmp_path: Path) -> None:
    """The error about a password file in UTF-16 names the setting, the file, the encoding and the remedy."""
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t", encoding="utf-16")
    for name in ("DB_PASSWORD_FILE", "SMTP_PASSWORD_FILE"):
        with pytest.raises(SettingsError, match=f"^{name}={secret}: expected .* UTF-16 .*: save it as UTF-8$"):
            read_settings({name: str(secret)})

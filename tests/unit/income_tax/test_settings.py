"""The default settings, and the error messages about wrong settings."""

from pathlib import Path

import pytest

from income_tax.alerts.mail_addresses import EXPECTED_SERVER
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
        ("LOG_SAMPLE", "1%", "a number from 0 to 1"),
        ("SLEEP_TIME", "-1", "a number of seconds from 0 to 3600"),
        ("SLEEP_TIME", "nan", "a number of seconds from 0 to 3600"),
        ("SLEEP_TIME", "1e10", "a number of seconds from 0 to 3600"),
        ("SMTP_TIMEOUT", "0", "a number of seconds above 0, at most 3600"),
        ("SMTP_TIMEOUT", "3601", "a number of seconds above 0, at most 3600"),
        ("SMTP_PORT", "70000", "a whole number from 1 to 65535"),
        ("THREADS", "1", "a whole number from 2 to 1024"),
        ("DRILL_ROUTE", "maybe", "off or on"),
        ("SMTP_TLS", "ssl", "none, starttls or tls"),
        ("SMTP_HOST", "smtp.example.org:25", EXPECTED_SERVER),
        ("MAIL_PAGE", "mail.example.org", "an address such as https://mail.example.org/"),
        ("MAIL_PAGE", "javascript:alert(1)", "an address such as https://mail.example.org/"),
        ("MAIL_PAGE", "http:// a/", "an address such as https://mail.example.org/"),
        ("ALERT_VIA", "pager", "mail or alertmanager"),
        ("STATUS_PAGE", "tax.example.org", "an address such as https://tax.example.org/status"),
    ],
)
def test_error_names_a_wrong_setting(name: str, value: str, expected: str) -> None:
    """A wrong setting is rejected with its name, its value and the expected values."""
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    assert f"{name} is [{value}]; expected {expected}" == str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "ftp://example.org/s3cr3t",
        "https://",
        "https:/s3cr3t",
        "https://[::1",
        "https://example.org:99999/s3cr3t",
        "https://example.org/s3cr3t b",
        "https://user:s3cr3t@example.org/",
        "https://s3cr3t@example.org/",
    ],
)
@pytest.mark.parametrize(
    ("name", "example"),
    [("ALERT_WEBHOOK_URL", "https://example.org/alerts"), ("ALERTMANAGER_URL", "http://alertmanager:9093")],
)
def test_error_about_an_address_hides_it(name: str, example: str, value: str) -> None:
    """A wrong address, or one with credentials, is rejected without its value, which can contain a secret."""
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    expected = f"expected an address such as {example}, without a user name or a password"
    assert f"{name} is invalid (its value is hidden); {expected}" == str(caught.value)


def test_error_names_an_unreadable_secret() -> None:
    """The error about an unreadable password file names the setting and the file."""
    with pytest.raises(SettingsError, match=r"^DB_PASSWORD_FILE=/nowhere/x: cannot be read"):
        read_settings({"DB_PASSWORD_FILE": "/nowhere/x"})


def test_a_folder_is_rejected_as_a_file(tmp_path: Path) -> None:
    """SMTP_CA_FILE is rejected if its value is the path of a folder."""
    with pytest.raises(SettingsError, match=r"^SMTP_CA_FILE=/.*: cannot be read; expected a readable file$"):
        read_settings({"SMTP_CA_FILE": str(tmp_path)})


def test_a_file_without_certificates_is_rejected(tmp_path: Path) -> None:
    """SMTP_CA_FILE is rejected if its file contains no certificate in PEM."""
    file = tmp_path / "ca.pem"
    file.write_text("no certificate\n")
    with pytest.raises(
        SettingsError, match=r"^SMTP_CA_FILE=/.*: contains no certificate; expected certificates in PEM$"
    ):
        read_settings({"SMTP_CA_FILE": str(file)})


@pytest.mark.parametrize("name", ["SMTP_USER", "SMTP_PASSWORD_FILE"])
def test_a_user_of_the_mail_server_needs_a_password(name: str) -> None:
    """SMTP_USER without SMTP_PASSWORD_FILE is rejected, and also the reverse."""
    with pytest.raises(
        SettingsError, match=r"^SMTP_USER is \[.*\] and SMTP_PASSWORD_FILE is \[.*\]; expected both, or"
    ):
        read_settings({name: "x"})


@pytest.mark.parametrize("page", ["http://127.0.0.1:8025/", "https://mail.example.org/x?y#z", "/mail", ""])
def test_addresses_of_the_mail_page(page: str) -> None:
    """MAIL_PAGE can be an address of HTTP or HTTPS, a path, or empty."""
    assert page == read_settings({"MAIL_PAGE": page}).mail_page


def test_alertmanager_needs_an_address() -> None:
    """ALERT_VIA=alertmanager without ALERTMANAGER_URL is rejected. With it, and a webhook, both are read."""
    with pytest.raises(SettingsError, match=r"^ALERTMANAGER_URL is \[\]; expected the address of Alertmanager"):
        read_settings({"ALERT_VIA": "alertmanager"})
    url, hook = "http://alertmanager:9093", "https://example.org/hook?token=s3cr3t"
    settings = read_settings({"ALERT_VIA": "alertmanager", "ALERTMANAGER_URL": url, "ALERT_WEBHOOK_URL": hook})
    assert ("alertmanager", url, hook) == (
        settings.channels.via,
        settings.channels.alertmanager_url,
        settings.channels.webhook_url,
    )
    assert "s3cr3t" not in repr(settings)


def test_printed_settings_contain_no_password(tmp_path: Path) -> None:
    """Printed settings do not contain the password of the database or of the mail server."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"\xef\xbb\xbfs3cr3t-of-a-test\r\n")
    files = {"DB_PASSWORD_FILE": str(secret), "SMTP_PASSWORD_FILE": str(secret)}
    settings = read_settings({"SMTP_USER": "x", **files})
    assert ("s3cr3t-of-a-test",) * 2 == (settings.account.password, settings.mail.password)
    assert "s3cr3t" not in repr(settings) + str(settings)


def test_a_password_file_in_utf_16_is_rejected_by_name(tmp_path: Path) -> None:
    """The error about a password file in UTF-16 names the setting, the file, the encoding and the remedy."""
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t", encoding="utf-16")
    for name in ("DB_PASSWORD_FILE", "SMTP_PASSWORD_FILE"):
        with pytest.raises(SettingsError, match=f"^{name}={secret}: expected .* UTF-16 .*: save it as UTF-8$"):
            read_settings({"SMTP_USER": "x" if name.startswith("SMTP") else "", name: str(secret)})

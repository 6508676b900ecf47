"""The addresses and host names in the settings of the alerts."""

import pytest

from income_tax.settings import read_settings
from tax_common.settings_reader import SettingsError


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("admin@localhost", ["admin@localhost"]),
        ("a@example.org,b@example.org", ["a@example.org", "b@example.org"]),
        ("a@example.org; b@example.org", ["a@example.org", "b@example.org"]),
        ('"Doe, John; IT" <j.doe+tax@example.org>, B B <b@example.org>', ["j.doe+tax@example.org", "b@example.org"]),
        ("<a@example.org>, A <a@EXAMPLE.org>; a@example.org", ["a@example.org"]),
        ("a@example.org, A@example.org", ["a@example.org", "A@example.org"]),
        ("équipe <a@example.org>", ["a@example.org"]),
        ("a@équipe.example.org", ["a@xn--quipe-9ra.example.org"]),
        ("a@[192.0.2.1], b@[IPv6:2001:db8::1]", ["a@[192.0.2.1]", "b@[IPv6:2001:db8::1]"]),
    ],
)
def test_every_recipient_is_read(text: str, addresses: list[str]) -> None:
    """ALERT_TO accepts several recipients, with commas or semicolons between. A recipient can have a name."""
    recipients = read_settings({"ALERT_TO": text}).mail.recipients
    assert addresses == [recipient.address for recipient in recipients]


INVALID = [
    "a@example.org b@example.org",
    "a@exa mple.org",
    "<>",
    "undisclosed-recipients:;",
    "friends: a@example.org, b@example.org;",
    ",",
    " ",
    "a@example.org,",
    "a@example.org,,b@example.org",
    "a",
    "@example.org",
    "a@",
    "a@b@c",
    "a@-example.org",
    "a@example..org",
    ".a@example.org",
    "a@example.org\r\nBcc: b@example.org",
    "a@example.org\x00",
    "a\u200b@example.org",
    '"A\\" <a@example.org>, b@example.org',
    '"a b"@example.org',
    "A\u2028B <a@example.org>",
    "équipe@example.org",
    "a@straße.example",
    "a@[192.0.2]",
    "a@[IPv6:1]",
    "A <a@example.org",
    "A <a@example.org> <b@example.org>",
    "a" * 65 + "@example.org",
    "a@" + "b" * 64 + ".org",
]


@pytest.mark.parametrize("name", ["ALERT_TO", "ALERT_FROM"])
@pytest.mark.parametrize("text", INVALID)
def test_invalid_address_is_rejected_by_name(name: str, text: str) -> None:
    """An invalid address is rejected at the start. The error names the setting and has no control character."""
    with pytest.raises(SettingsError, match=f"^{name} is .*; expected an address") as caught:
        read_settings({name: text})
    assert str(caught.value).isprintable()


def test_several_senders_are_rejected() -> None:
    """ALERT_FROM accepts one address only."""
    with pytest.raises(SettingsError, match=r"^ALERT_FROM is \[a@example\.org, b@example\.org\]; expected an address"):
        read_settings({"ALERT_FROM": "a@example.org, b@example.org"})


@pytest.mark.parametrize("text", ["tax", "tax.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_helo_name_is_a_host(text: str) -> None:
    """SMTP_HELO_NAME accepts a host name or an address in brackets."""
    assert text == read_settings({"SMTP_HELO_NAME": text}).mail.helo_name


@pytest.mark.parametrize("text", ["tax example", "tax.", "192.0.2.1:25", "[192.0.2.1", "tax\r\nQUIT", "[tax]", "-tax"])
def test_invalid_helo_name_is_rejected(text: str) -> None:
    """SMTP_HELO_NAME rejects any other text with the name of the setting."""
    with pytest.raises(SettingsError, match=r"^SMTP_HELO_NAME is .*; expected a host name"):
        read_settings({"SMTP_HELO_NAME": text})


@pytest.mark.parametrize(
    "text",
    ["mailhog", "my_mail", "smtp.example.org", "smtp.example.org.", "mé.example.org", "192.0.2.1", "2001:db8::1"],
)
def test_smtp_host_is_a_host_name_or_an_address(text: str) -> None:
    """SMTP_HOST accepts a host name, and an address without brackets."""
    assert text == read_settings({"SMTP_HOST": text}).mail.host


@pytest.mark.parametrize(
    "text",
    ["a b", "smtp://a", "a:25", "192.0.2.1:25", "a/", "me@a", "a,b", '"a"', "a..b", ".", "[::1]", "999.1.1.1", " a"],
)
def test_invalid_smtp_host_is_rejected(text: str) -> None:
    """SMTP_HOST rejects any other text with the name of the setting."""
    with pytest.raises(SettingsError, match=r"^SMTP_HOST is .*; expected a host name such as smtp\.example\.org"):
        read_settings({"SMTP_HOST": text})

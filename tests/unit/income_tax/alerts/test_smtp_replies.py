"""The meaning of the mail server's replies."""

import pytest

from income_tax.alerts.smtp_replies import is_about_session, is_refusal
from income_tax.alerts.smtp_session import choose_helo_name

ABOUT_SESSION = [
    "221 closing",
    "421 4.3.2 closing",
    "502 5.5.1 not implemented",
    "503 5.5.1 EHLO first",
    "504 5.5.2 need fully-qualified hostname",
    "521 no mail here",
    "523 5.7.10 encryption needed",
    "530 5.7.0 Authentication required",
    "530 Must issue a STARTTLS command first",
    "534 5.7.9 mechanism is too weak",
    "535 5.7.8 bad credentials",
    "538 5.7.11 encryption required",
    "550 5.7.1 <[172.18.0.5]>: Helo command rejected: invalid name",
    "550 Access denied - invalid HELO name (See RFC2821 4.1.1.1)",
    "550 5.7.1 Relaying denied",
    "550 SMTP authentication is required",
    "553 please log in first",
    "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: access denied",
    "554 5.7.1 Service unavailable; client [192.0.2.1] blocked using rbl.example.org",
    "530 5.7.0 <tax@localhost>: Sender address rejected: Authentication required",
    "550 5.7.1 <tax@localhost>: Sender address rejected: Authentication required",
    "553 5.7.1 <tax@localhost>: Sender address rejected: not logged in",
    "550 5.7.25 the address has no PTR record",
]
ABOUT_MAIL = [
    "500 disk full",
    "501 5.1.7 bad sender",
    "504 5.5.2 <admin@localhost>: Recipient address rejected: need fully-qualified address",
    "550 5.1.1 user unknown",
    "550 5.7.1 rate limited, try again later",
    "550 5.7.26 unauthenticated mail from example.org is not accepted due to its DMARC policy",
    "552 5.2.2 mailbox full",
    "554 5.6.0 rejected content",
]


@pytest.mark.parametrize("words", ABOUT_SESSION)
def test_replies_about_the_session(words: str) -> None:
    """Replies about the name of this host, the encryption or the login refuse no mail."""
    reply = (int(words[:3]), words)
    assert (True, False) == (is_about_session(reply), is_refusal(reply))


@pytest.mark.parametrize("words", ABOUT_MAIL)
def test_replies_about_the_mail(words: str) -> None:
    """Other replies by 5xx refuse the mail."""
    reply = (int(words[:3]), words)
    assert (False, True) == (is_about_session(reply), is_refusal(reply))


def test_replies_by_4xx_refuse_no_mail() -> None:
    """A reply by 4xx does not refuse the mail."""
    assert not is_refusal((451, "451 4.7.1 greylisted"))


@pytest.mark.parametrize(
    ("full_name", "address", "name"),
    [
        ("tax.example.org", "192.0.2.1", "tax.example.org"),
        ("3f2a9c", "172.18.0.5", "[172.18.0.5]"),
        ("localhost", "127.0.0.1", "[127.0.0.1]"),
        ("localhost.localdomain", "192.0.2.1", "[192.0.2.1]"),
        ("3f2a9c", "fe80::1%eth0", "[IPv6:fe80::1]"),
    ],
)
def test_helo_name_is_a_full_name_or_an_address(full_name: str, address: str, name: str) -> None:
    """Without a setting, the name for EHLO is the host's full name. A host without a domain uses its address."""
    assert name == choose_helo_name(full_name, address)

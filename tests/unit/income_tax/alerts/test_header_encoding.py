"""Header texts of any script are encoded by RFC 2047."""

import random
import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest

from income_tax.alerts.header_encoding import encode_text
from income_tax.alerts.mail_addresses import MailAddress
from income_tax.alerts.mail_message import MailMessage, build_email

FRENCH = "Service de calcul en échec à Évry – équipe prévenue pour la mairie d’Épinal arrêté"
OTHERS = (
    'Строка 日本語のテキスト ελληνικά עברית العربية 🧾🇫🇷 e\u0301te\u0301 =?utf-8?q?x?= a=b ?= , ; " <a@b> (c) \\ _ .'
)
WORDS = [*FRENCH.split(), *OTHERS.split(), "x" * 80, "é" * 80, ""]
SUFFIXES = ["", " [recovered]", " [+1234 since 10:05]"]
ENCODED_WORD = re.compile(r"=\?utf-8\?b\?[A-Za-z0-9+/=]+\?=")


def build_subjects(count: int) -> list[str]:
    """Build subjects of up to twelve words, separated by one blank or, seldom, by several."""
    draw = random.Random(2047)
    return [
        "".join(draw.choice(WORDS) + draw.choice([" ", " ", " ", "  ", ""]) for _ in range(draw.randint(1, 12)))
        for _ in range(count)
    ]


def decode(text: str, name: str = "Subject") -> str:
    """Decode a folded header text as a mail program does."""
    return str(policy.default.header_factory(name, text.replace("\r\n", "")))


@pytest.mark.parametrize("part", range(10))
def test_every_subject_is_decoded_to_what_was_set(part: int) -> None:
    """Each of 2,000 generated subjects is decoded exactly. Lines have up to 76 characters, and encoded words 75."""
    for number, subject in enumerate(build_subjects(2000)[part::10]):
        text = subject + SUFFIXES[number % len(SUFFIXES)]
        encoded = encode_text(text)
        assert text == decode(encoded) == str(make_header(decode_header(encoded)))
        assert "?==?" not in encoded
        assert all(len(line) <= 76 for line in f"Subject: {encoded}".split("\r\n"))
        assert all(len(word) <= 75 for word in ENCODED_WORD.findall(encoded))


def test_mail_has_the_encoded_subject() -> None:
    """The mail has the encoded subject unchanged, because the standard library does not fold the subject again."""
    mail = MailMessage("alert.c0ffee.1", " [recovered]", "text\n", 30, "request")
    raw = build_email(mail, MailAddress("tax@example.org"), [MailAddress("admin@example.org")], FRENCH)
    assert f"\r\nSubject: {encode_text(FRENCH + ' [recovered]')}\r\n".encode() in raw
    assert FRENCH + " [recovered]" == message_from_bytes(raw, policy=policy.default)["Subject"]


NAMES = ["Jean Dupont", "Dupont, Jean; IT", "Équipe d’astreinte, Évry", "(x) @", "a" * 70, "é" * 70]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_decoded_to_what_was_set(name: str) -> None:
    """The display name of an address is decoded exactly."""
    formatted = MailAddress("a@example.org", name).format()
    decoded = str(make_header(decode_header(formatted.rpartition(" <")[0].strip('"'))))
    assert (name, " <a@example.org>") == (decoded, formatted[formatted.rindex(" <") :])


def test_addresses_remain_apart() -> None:
    """The header To lists each recipient, even if names contain commas."""
    mail = MailMessage("alert.c0ffee.1", "", "text\n", 30, "request")
    recipients = [MailAddress(f"{number}@example.org", name) for number, name in enumerate(NAMES)]
    message = message_from_bytes(build_email(mail, recipients[0], recipients, "Crash"), policy=policy.default)
    assert [recipient.address for recipient in recipients] == [one.addr_spec for one in message["To"].addresses]

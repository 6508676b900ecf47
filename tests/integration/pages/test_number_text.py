"""The simulator's reader of numbers, called in a real browser with generated texts, agrees with an oracle."""

import random
import unicodedata
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Request, expect

from income_tax.http.pages.static_files import build_url
from tests.support.browser import STATUS_400, Open

CALL = """async ([module, cases]) => {
    const { readNumber } = await import(module);
    return cases.map(([text, language, euros]) => readNumber(text, language, euros));
}"""
BLANKS = [chr(code) for code in range(0x3001) if unicodedata.category(chr(code)) == "Zs"]
SEPARATORS = [
    *BLANKS,
    ",",
    ".",
    "'",
    "\t",
    "\n",
    "\r\n",
    "\u2028",
    "\u200b",
    "  ",
    ", ",
    " ,",
    ";",
    "€",
    "-",
    "e",
    "x",
    "",
]
ENDS = [
    *[""] * 12,
    " ",
    "\u00a0" * 16,
    "\t",
    "\r\n",
    "€",
    " €",
    "\u202f€",
    "€ ",
    "+",
    "-",
    ".",
    ",",
    "\u200b",
    "%",
    "€€",
    "k",
]


def read(text: str, language: str, euros: bool) -> str | None:
    """Return the digits of the number that the text means in this language, or None for any other text."""
    text = text.strip(" \t\r\n\u2028\ufeff" + "".join(BLANKS))
    if euros and (text[:1] == "€") != (text[-1:] == "€"):
        text = text.strip("€").strip("".join(BLANKS)) if text.count("€") == 1 else text
    if text.isascii() and text.isdigit():
        return text
    signs = {char for char in text if not (char.isascii() and char.isdigit())}
    if not signs or not (signs <= set(BLANKS) or (language == "en" and signs == {","})):
        return None
    for sign in signs:
        text = text.replace(sign, " ")
    first, *groups = text.split(" ")
    grouped = 1 <= len(first) <= 3 and first[0] != "0" and all(len(group) == 3 for group in groups)
    return first + "".join(groups) if grouped else None


def generate(chance: random.Random) -> Iterator[tuple[str, str, bool]]:
    """Generate texts with one to three numbers between separators and ends, for both languages and kinds of field."""
    while True:
        pieces = [
            str(chance.randrange(10 ** chance.choice([1, 2, 3, 5, 12]))) for _ in range(chance.choice([1, 2, 2, 3]))
        ]
        if chance.random() < 0.5:  # a number in groups of three
            pieces[1:] = [f"{chance.randrange(1000):03}" for _ in pieces[1:]]
        sign = chance.choice([*SEPARATORS, *[","] * 9])
        signs = [sign if chance.random() < 0.8 else chance.choice(SEPARATORS) for _ in pieces]
        inner = "".join(piece + separator for piece, separator in zip(pieces, [*signs[1:], ""], strict=True))
        yield chance.choice(ENDS) + inner + chance.choice(ENDS), chance.choice(["en", "fr"]), chance.random() < 0.7


def test_reader_never_returns_another_amount(opened: Open) -> None:
    """For 20,000 generated texts, the reader returns the number that the text means, or rejects the text."""
    texts = generate(random.Random(14))
    cases = [next(texts) for _ in range(20_000)]
    wanted = [read(*case) for case in cases]
    assert len(cases) / 10 < len([one for one in wanted if one is None]) < len(cases) * 9 / 10
    with opened() as tab:
        tab.open("/simulator")
        found = tab.page.evaluate(CALL, [build_url("number_text.js"), cases])
    assert [] == [(case, a, b) for case, a, b in zip(cases, wanted, found, strict=True) if a != b]


FORMS = {
    "€36,000": ("36000", None),
    "36 000 €": ("36000", "36000"),
    "36\u202f000\u00a0€": ("36000", "36000"),
    "1,234,567": ("1234567", None),
    "36,00": (None, None),
    "36.000": (None, None),
    "36,000 000": (None, None),
    "36000.00": (None, None),
    "36000\t0": (None, None),
    "3600\n4000": (None, None),
    "36\n400": (None, None),
    "1 2": (None, None),
    "0 360": (None, None),
    "€36 000€": (None, None),
}


def test_forms_of_a_number(opened: Open) -> None:
    """Blanks group three digits in both languages, and commas in English only."""
    with opened() as tab:
        tab.open("/simulator")
        cases = [(text, language, True) for text in FORMS for language in ("en", "fr")]
        found = iter(tab.page.evaluate(CALL, [build_url("number_text.js"), cases]))
        assert {text: (next(found), next(found)) for text in FORMS} == FORMS


PASTED = [
    (" " * 16 + "36000", 36000),
    ("36000\r\n", 36000),
    ("36\u202f000 €", 36000),
    ("36000\t0", None),
    ("3600\n4000", None),
    ("36\r\n400", None),
    ("1 2", None),
    ("9" * 10_000, None),
    ("36000" + " " * 60 + "x", None),
]


def sends_text(field: str, request: Request) -> bool:
    """Return whether a request contains a single household with another value than the 2 that the test enters first."""
    body = request.post_data_json if request.method == "POST" else None
    return isinstance(body, dict) and body[field] != 2


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
@pytest.mark.parametrize(
    ("field", "copied"), [("salary", PASTED), ("children", PASTED[3:])], ids=["salary", "children"]
)
def test_pasted_text(opened: Open, locale: str, field: str, copied: list[tuple[str, int | None]]) -> None:
    """A pasted text is one number or an error at the field. The browser deletes no part of the text."""
    with opened(locale=locale, permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.open("/simulator#year=2025&married=no&children=1&salary=1")
        box, error = tab.page.locator(f"#{field}"), tab.page.locator(f"#{field}-error")
        for text, amount in copied:
            box.fill("2")
            box.press("Enter")
            expect(error).to_be_hidden()
            tab.page.evaluate("text => navigator.clipboard.writeText(text)", text)
            box.press("Control+A")
            box.press("Control+V")
            with tab.page.expect_request(partial(sends_text, field)) as sent:
                box.press("Tab")
            value = (sent.value.post_data_json or {})[field]
            if amount is None:
                expect(error).to_be_visible()
                assert isinstance(value, str)
            else:
                assert amount == value
        tab.forgive(STATUS_400)


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_white_space_in_a_link(opened: Open, locale: str) -> None:
    """White space between two numbers of a link is an error at the field."""
    with opened(locale=locale) as tab:
        tab.open("/simulator#year=2025&married=no&children=0&salary=1")
        for field in ("salary", "children"):
            for text in ("36000%090", "3600%0A4000", "36%0D%0A400", "36%09400", "1+2", "36000%20x"):
                tab.page.evaluate("hash => { location.hash = hash; }", f"year=2025&{field}={text}")
                expect(tab.page.locator(f"#{field}-error")).to_be_visible()
                tab.page.evaluate("location.hash = 'year=2025&children=0&salary=1'")
                expect(tab.page.locator(f"#{field}-error")).to_be_hidden()
        tab.forgive(STATUS_400)


def test_language_changes_no_amount(opened: Open) -> None:
    """An amount with an English comma stays the same amount after the user chooses French."""
    with opened() as tab:
        tab.open("/simulator")
        tab.page.locator("#salary").fill("€51,234")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#salary-read")).to_have_text("€51,234")
        tab.page.get_by_role("button", name="Français").click()
        expect(tab.page.locator("#salary-read")).to_have_text("51\u202f234\u00a0€")
        tab.page.get_by_role("button", name="Calculer").click()
        expect(tab.page.locator("#results[aria-busy=false]")).to_be_visible()
        expect(tab.page.locator("#salary-error")).to_be_hidden()

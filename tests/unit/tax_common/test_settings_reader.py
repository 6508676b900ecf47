"""Types of settings and options: accepted texts, and error messages about rejected texts."""

import argparse
import math
from typing import Any

import pytest

from tax_common.settings_reader import Reader, SettingsError, ValueType, choice, number, share, whole


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (choice("json", "text"), " TEXT ", "text"),
        (whole(2, 1024), "2", 2),
        (whole(2, 1024), "1024", 1024),
        (whole(0), "9" * 18, 10**18 - 1),
        (number("seconds"), "0", 0.0),
        (number("seconds"), " .5 ", 0.5),
        (number("seconds", 0, 3600, above=True), "3600", 3600.0),
        (number("seconds", 0.1, 5), "1e-1", 0.1),
        (share(), " 0 ", 0.0),
        (share(), ".01", 0.01),
        (share(), "1", 1.0),
    ],
)
def test_accepted_texts(kind: ValueType[Any], text: str, value: object) -> None:
    """A text is converted to its type if its value is within the bounds or at a bound."""
    assert value == kind.parse(text)


@pytest.mark.parametrize(
    ("kind", "texts", "expected"),
    [
        (choice("a", "b", "c"), ["", "d"], "a, b or c"),
        (whole(2, 1024), ["1", "1025", "+5", "1_0", "٣", "", "-2", "1" * 5000], "a whole number from 2 to 1024"),
        (whole(0), ["-1", "1" * 19], "a whole number, 0 or more"),
        (number("seconds"), ["-1", "nan", "inf", "soon", "1_0", "٣", "1e999", ""], "a number of seconds, 0 or more"),
        (number("seconds", above=True), ["0", "inf"], "a number of seconds above 0"),
        (number("seconds", 0, 9, above=True), ["0", "9.1"], "a number of seconds above 0, at most 9"),
        (number("requests", 1, 5), ["0.9", "6"], "a number of requests from 1 to 5"),
        (share(), ["-0.1", "1.01", "50%", "0,5", "nan", ""], "a number from 0 to 1"),
    ],
)
def test_rejected_texts(kind: ValueType[Any], texts: list[str], expected: str) -> None:
    """A text of another type or outside the bounds is rejected. `expected` describes the type and its bounds."""
    assert expected == kind.expected
    for text in texts:
        with pytest.raises(ValueError):
            kind.parse(text)


def test_error_of_a_wrong_option_quotes_its_text() -> None:
    """The error about an option quotes the option's text."""
    parse = number("seconds", math.inf).build_argument_type()
    with pytest.raises(argparse.ArgumentTypeError, match=r"^expected a number of seconds, inf or more, found \[1\]$"):
        parse("1")


def test_blanks_around_a_setting_are_ignored() -> None:
    """Blanks around a setting's value are ignored. If the value is empty, the default applies."""
    read = Reader({"A": " 7 ", "B": "", "C": " x"})
    assert (7, 3) == (read.whole("A", 1, 0, 9), read.whole("B", 3, 0, 9))
    with pytest.raises(SettingsError, match=r"^C is \[x\]; expected a whole number from 0 to 9$"):
        read.whole("C", 1, 0, 9)

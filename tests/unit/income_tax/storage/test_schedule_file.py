"""A file of tax data is checked as a whole: every name, type and value, with the path of the first error."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from income_tax.storage.schedule_file import parse_file
from income_tax.tax.brackets import ScheduleError
from tests.support.data import schedules

Change = Callable[[dict[str, Any]], object]


def refusal(content: str) -> str:
    """Return the message of the error that a file causes."""
    with pytest.raises(ScheduleError) as caught:
        parse_file(content)
    return str(caught.value)


def law(data: dict[str, Any], year: str = "2025") -> dict[str, Any]:
    """Return the figures of a year."""
    figures: dict[str, Any] = data["schedules"][year]
    return figures


def put(year: str, *path: Any, value: Any) -> Change:
    """Return a change that sets the value at a path in a year's figures."""

    def change(data: dict[str, Any]) -> None:
        inner: Any = law(data, year)
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value

    return change


RATE = ("scale", "brackets", 1, "rate")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda data: data.update(year=1), "the tax data: unknown: year; expected parameters, schedules"),
        (lambda data: data.pop("parameters"), "the tax data: missing: parameters"),
        (lambda data: data["parameters"]["scale"].pop("en"), "parameters.scale: missing: en"),
        (
            lambda data: data["parameters"]["scale"].update(en=1),
            "parameters.scale.en is 1; expected a text of at most 255 characters",
        ),
        (
            lambda data: data["schedules"].update({"20255": {}}),
            'schedules.20255 is "20255"; expected a year of four digits or v7 as the name of a schedule',
        ),
        (
            lambda data: data["parameters"]["scale"].update(fr="a\0"),
            'parameters.scale.fr is "a\\u0000"; expected a text of at most 255 characters, none of them a control',
        ),
        (
            lambda data: data["parameters"]["scale"].update(en="\ud800"),
            "expected a text of at most 255 characters, none of them a control character",
        ),
        (
            lambda data: data["parameters"].update({"a" * 65: data["parameters"]["scale"]}),
            f'a name in parameters is "{"a" * 65}"; expected at most 64 letters a-z, digits and _, first a letter',
        ),
        (
            lambda data: data["parameters"].update({"": data["parameters"]["scale"]}),
            'a name in parameters is ""; expected',
        ),
        (lambda data: law(data, "v7").pop("scale"), "schedule v7: brackets missing: scale"),
        (
            lambda data: law(data, "v7").update(share_spouse=law(data)["share_spouse"]),
            "schedules.v7: no formula uses share_spouse; remove them, or add the missing values",
        ),
        (
            put("2024", "scale", "brackets", 1, "constant", value="5"),
            'schedules.2024.scale.brackets[1].constant is "5"; expected null, because only v7 uses constants',
        ),
        (
            put("2024", "deduction_min", "value", value="99999"),
            "schedule 2024: deduction_min must not be above deduction_max",
        ),
        (lambda data: data["schedules"].pop("2021"), "schedules: missing: 2021"),
        (
            lambda data: law(data).update(decote_rat=law(data).pop("decote_rate")),
            'schedules.2025.decote_rat is "decote_rat"; expected a name that `parameters` lists',
        ),
        (
            lambda data: law(data).update(reduction_limit_single=law(data)["decote_rate"]),
            "schedules.2025: no formula uses reduction_limit_single; remove them, or add the missing values",
        ),
        (
            lambda data: law(data)["decote_rate"].update(valeu="1"),
            "schedules.2025.decote_rate: unknown: valeu; expected value, since, references",
        ),
        (put("2020", "decote_rate", value=3), "schedules.2020.decote_rate is 3; expected an object"),
        (put("2024", *RATE, value=0.11), "[1].rate is 0.11; expected a number in quotes"),
        (put("2024", *RATE, value=True), "schedules.2024.scale.brackets[1].rate is true; expected a number in quotes"),
        (put("2024", *RATE, value="NaN"), '[1].rate is "NaN"; expected a number in quotes, such as "0.11"'),
        (put("2024", *RATE, value="1e-1"), '[1].rate is "1e-1"; expected'),
        (put("2024", *RATE, value=""), 'schedules.2024.scale.brackets[1].rate is ""; expected a number'),
        (put("2024", *RATE, value=None), "schedules.2024.scale.brackets[1].rate is null; expected a number"),
        (put("v7", "scale", "brackets", 1, "constant", value=None), "v7.scale.brackets[1].constant is null; expected"),
        (put("2024", *RATE, value="0.11111"), "schedule 2024: scale: 0.11111 has more than four decimals"),
        (put("2024", "scale", "brackets", value={}), "schedules.2024.scale.brackets is {}; expected a list"),
        (put("2024", "scale", "brackets", value=[]), "schedule 2024: scale: the last bracket must have no limit"),
        (
            put("2019", "cehr_single", "brackets", 0, "upper_limit", value="9000000"),
            "schedule 2019: cehr_single: the limits of the brackets must be in ascending order",
        ),
        (put("v7", *RATE, value="14"), "schedule v7: scale: the rates must be fractions in ascending order"),
        (put("v7", "decote_rate", "value", value="-1"), "schedule v7: decote_rate is -1; expected 0 or more"),
        (
            put("2024", "decote_rate", "since", value="2024"),
            'schedules.2024.decote_rate.since is "2024"; expected a date',
        ),
        (put("2024", "scale", "references", value=None), "schedules.2024.scale.references is null; expected a list"),
        (
            put("2024", "scale", "references", 0, "url", value=1),
            "schedules.2024.scale.references[0].url is 1; expected",
        ),
    ],
)
def test_each_wrong_value_is_named_by_its_path(change: Change, error: str) -> None:
    """A missing, unknown, misspelled or malformed value is rejected with its path and the expected value."""
    data = copy.deepcopy(schedules().data)
    change(data)
    assert error in refusal(json.dumps(data))


def test_duplicate_names_and_invalid_json_are_rejected() -> None:
    """JSON with duplicate names, with NaN, with too many levels or cut off is rejected, and the reason is given."""
    text = json.dumps(schedules().data)
    twice = text.replace('"2025": {', '"2025": {"scale": 1, ', 1)
    assert 'the name "scale" occurs twice in the same object; remove one of them' in refusal(twice)
    assert "NaN is no JSON value" in refusal(text.replace('"0.4525"', "NaN", 1))
    for content in (text[:-9], "[" * 100_000, ""):
        assert "the tax data is not JSON: " in refusal(content)


def test_the_shipped_file_and_its_backup_are_accepted() -> None:
    """The shipped tax data is accepted unchanged, also in the form of a backup."""
    data = schedules().data
    assert data == parse_file(json.dumps(data, indent=2, ensure_ascii=False))


def test_a_backup_with_retired_names_is_accepted() -> None:
    """A backup of an earlier version contains figures that no formula uses any more, and is accepted."""
    data = copy.deepcopy(schedules().data)
    data["parameters"]["cdhr_rate"] = data["parameters"]["decote_rate"]
    law(data)["cdhr_rate"] = law(data)["decote_rate"]
    assert data == parse_file(json.dumps(data))

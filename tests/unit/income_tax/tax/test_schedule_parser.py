"""The parser rejects impossible values and reports their names. It accepts values at a limit."""

import copy
from dataclasses import astuple, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from income_tax.tax.brackets import (
    Bracket,
    Scale,
    ScheduleError,
    build_schedule,
    check_brackets,
    check_figures,
    scale_exactly,
)
from income_tax.tax.compiled_law import Law
from income_tax.tax.schedule_parser import parse_schedules
from income_tax.tax.simplified_v7_rules import V7Schedule
from income_tax.tax.vectorized import Households, assess_dated
from tests.support.data import law_cases, schedules
from tests.unit.income_tax.tax.test_compiled_law import YEARS, household_of

LAW = schedules().years[2024]
OPEN = Bracket(None, 4500, 0)
FALLING = "scale: the rates must be fractions in ascending order, such as 0.11 for 11 %"


def scale(*brackets: tuple[object, object]) -> Scale:
    """Build a scale from limits and rates."""
    return [(Fraction(str(above)), Fraction(str(rate))) for above, rate in brackets]


def refusal(call: Any, *arguments: Any) -> str:
    """Return the message of the error that a call raises."""
    with pytest.raises(ScheduleError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("constants", "scales", "words"),
    [
        ({"cap": "-0.5"}, {}, "cap is -0.5; expected 0 or more"),
        ({"a_rate": "1.5"}, {}, "a_rate is 1.5; expected a fraction, such as 0.11 for 11 %"),
        ({}, {"scale": scale((0, 0), (0, "0.1"))}, "scale: a bracket's limit is 0; expected more than 0"),
        ({}, {"scale": scale((0, 0), (-5, "0.1"))}, "scale: a bracket's limit is -5; expected more than 0"),
        ({}, {"scale": scale((0, "0.2"), (9, "0.1"))}, FALLING),
        ({}, {"scale": scale((0, "-0.1"), (9, "0.1"))}, FALLING),
        ({}, {"scale": scale((0, 0), (9, "0.1"), (19, "1.5"))}, FALLING),
        (
            {"reduction_full_limit_per_adult": 2, "reduction_end_limit_per_adult": 2},
            {},
            "reduction_end_limit_per_adult must be above reduction_full_limit_per_adult",
        ),
        ({"deduction_min": 2, "deduction_max": 1}, {}, "deduction_min must not be above deduction_max"),
    ],
)
def test_impossible_values_are_named(constants: dict[str, object], scales: dict[str, Scale], words: str) -> None:
    """The error about an impossible value contains its name and the expected range."""
    figures = {name: Fraction(str(value)) for name, value in constants.items()}
    assert words == refusal(check_figures, figures, scales)


@pytest.mark.parametrize(
    ("constants", "scales"),
    [
        ({"cap": "0", "a_rate": "1", "limit": "2", "tiny": "0.5"}, {}),
        (
            {},
            {"one": scale((0, 0)), "all": scale((0, "0.5"), ("0.5", 1)), "two": scale((0, 0), (1, "0.1"), (2, "0.2"))},
        ),
        ({"reduction_full_limit_per_adult": 1, "reduction_end_limit_per_adult": 2}, {}),
        ({"reduction_full_limit_per_adult": 1}, {}),
        ({"deduction_min": 2, "deduction_max": 2}, {}),
        ({"deduction_min": 2}, {}),
        ({"deduction_max": 0}, {}),
        ({"reduction_end_limit_per_adult": 0}, {}),
    ],
)
def test_values_at_a_limit_are_accepted(constants: dict[str, object], scales: dict[str, Scale]) -> None:
    """An amount of 0, a rate of 1 and a bracket that begins below one euro are accepted."""
    check_figures({name: Fraction(str(value)) for name, value in constants.items()}, scales)


def test_the_errors_of_incomplete_tables() -> None:
    """Wrong decimals, wrong brackets and wrong constants each have their own error message."""
    assert "0.12345 has more than four decimals" == refusal(scale_exactly, Decimal("0.12345"))
    last = "the last bracket must have no limit, and all other brackets need a limit"
    assert last == refusal(check_brackets, [OPEN, OPEN])
    assert last == refusal(build_schedule, V7Schedule, [OPEN, OPEN], {})
    assert "the limits of the brackets must be in ascending order" == refusal(
        check_brackets, [Bracket(1, 0, 0), Bracket(1, 0, 0), OPEN]
    )
    missing = sorted(set(V7Schedule.__dataclass_fields__) - {"brackets"})
    assert f"constants missing: {', '.join(missing)}" == refusal(build_schedule, V7Schedule, [OPEN], {})


def test_a_table_keeps_its_brackets_and_constants() -> None:
    """A schedule keeps the brackets of its table and the value of each constant."""
    names = [name for name in V7Schedule.__dataclass_fields__ if name != "brackets"]
    schedule = build_schedule(V7Schedule, [OPEN], {name: number for number, name in enumerate(names)})
    assert (OPEN,) == schedule.brackets
    assert list(range(len(names))) == [getattr(schedule, name) for name in names]


def law_with(**changes: str) -> Law:
    """Build the law of 2024 with other constants."""
    return replace(LAW, constants={**LAW.constants, **{name: Fraction(value) for name, value in changes.items()}})


def test_a_result_in_cents_is_rejected() -> None:
    """The error lists the constants that make a result fractional. It omits rates, because the law rounds them."""
    words = refusal(lambda: law_with(cap_half_share="1759.5", cap_a="0.5"))
    halves = ["share_child_1", "share_child_2", "share_single_parent"]
    assert (
        f"surcharge is not in whole euros because of fractions in {', '.join(['cap_a', 'cap_half_share', *halves])}"
        == words
    )


def test_rebuilt_laws_give_the_cases() -> None:
    """Laws that are rebuilt from the same data give the results of every twentieth case, singly and in arrays."""
    laws = parse_schedules(copy.deepcopy(schedules().data)).years
    assert YEARS.keys() == laws.keys()
    for year, law in laws.items():
        assert YEARS[year].steps == law.steps
        cases = [case for case in law_cases()[::20] if case["income_year"] == year]
        wanted = [(case["shares"], case["tax"], case["rate"], case["decote"], case["cehr"]) for case in cases]
        households = [household_of(case) for case in cases]
        found = [law.assess(household) for household in households]
        assert wanted == [(one.shares, one.tax, one.rate, one.discount, one.cehr) for one in found]
        columns = zip(*(astuple(household) for household in households), strict=True)
        married, children, salary, years, alone, spouse = map(np.array, columns)
        together = assess_dated(Households(years, married, alone, children, salary, spouse), law)
        assert [one._asdict() for one in found] == [
            {name: together[name][row] for name in together} for row in range(len(found))
        ]


def test_impossible_values_are_rejected_by_the_law() -> None:
    """A law cannot be built from impossible values or from a falling scale."""
    assert "cap_half_share is -1; expected 0 or more" == refusal(lambda: law_with(cap_half_share="-1"))
    falling = {**LAW.scales, "scale": scale((0, "0.2"), (9, "0.1"))}
    assert FALLING == refusal(lambda: replace(LAW, scales=falling))


def test_the_bounds_of_arrays() -> None:
    """Arrays are used only with constants of at most 10⁹ euros."""
    assert law_with(cap_half_share="1000000000").fits_arrays
    assert not law_with(cap_half_share="1000000001").fits_arrays


def test_code_is_compiled_when_the_law_is_built() -> None:
    """A law's code is compiled when the law is built."""
    assert {"evaluate", "_picks"} <= vars(law_with()).keys()


def test_the_code_of_a_law_names_its_year() -> None:
    """A traceback from a law's code shows the year of the law."""
    assert "<law of 2024>" == LAW.evaluate.__code__.co_filename

"""Explanations of example households, step by step."""

from dataclasses import replace
from fractions import Fraction

import pytest

from income_tax.tax.explanation import explain, format_decimal
from income_tax.tax.models import Household
from tests.support.data import schedules

YEARS = schedules().years
ALONE = Household(False, 1, 23_000, 2018, single_parent=True)
COUPLE = Household(True, 3, 300_000, 2024, spouse_salary=400_000)
STEPS = {
    ALONE: """\
deduction: min(max(arr(0.1 × 23000), 437), 12502, 23000) = 2300 EUR: deduction_rate deduction_min deduction_max
spouse_deduction: min(max(arr(0.1 × 0), 437), 12502, 0) = 0 EUR: deduction_rate deduction_min deduction_max
taxable_income: 23000 - 2300 + 0 - 0 = 20700 EUR: deduction_rate
adults: 1 = 1 share: share_spouse
shares: 1 + 0.5 × min(1, 1) + 0.5 × min(max(1 - 1, 0), 1) + 1 × max(1 - 2, 0) + 0.5 = 2 share: \
share_child_1 share_child_2 share_child_3_plus share_single_parent
extra_half_shares: 2 × (2 - 1) = 2 half-share: share_child_1
tax_all_shares: arr(2 × (0.14 × (20700 / 2 - 9964))) = 108 EUR: scale
tax_adult_shares: arr(1 × (0.14 × (20700 / 1 - 9964))) = 1503 EUR: scale
cap: 3660 + 1551 × (2 - 2) = 3660 EUR: cap_single_parent_first_child cap_half_share
capped_tax: max(108, 1503 - 3660, 0) = 108 EUR: cap_half_share
surcharge: 108 - 108 = 0 EUR: cap_half_share
discount: min(108, max(0, arr(1196 - 0.75 × 108))) = 108 EUR: decote_single decote_rate
reduction_full_limit: 18985 × 1 + 3797 × 2 = 26579 EUR: reduction_full_limit_per_adult reduction_per_half_share
reduction_end_limit: 21037 × 1 + 3797 × 2 = 28631 EUR: reduction_end_limit_per_adult reduction_per_half_share
reduction: arr(0.2 × (108 - 108)) = 0 EUR: reduction_rate
tax: max(108 - 108 - 0, 0) = 0 EUR: scale cap_half_share decote_rate
rate: rate_of(scale(20700 / 2)) = 0.14 1: scale
cehr: arr(0) = 0 EUR: cehr_single
collected: 0 = 0 EUR: collection_min_before_credits""",
    COUPLE: """\
deduction: min(max(arr(0.1 × 300000), 504), 14426, 300000) = 14426 EUR: deduction_rate deduction_min deduction_max
spouse_deduction: min(max(arr(0.1 × 400000), 504), 14426, 400000) = 14426 EUR: \
deduction_rate deduction_min deduction_max
taxable_income: 300000 - 14426 + 400000 - 14426 = 671148 EUR: deduction_rate
adults: 1 + 1 = 2 share: share_spouse
shares: 2 + 0.5 × min(3, 1) + 0.5 × min(max(3 - 1, 0), 1) + 1 × max(3 - 2, 0) + 0 = 4 share: \
share_child_1 share_child_2 share_child_3_plus
extra_half_shares: 2 × (4 - 2) = 4 half-share: share_child_1
tax_all_shares: arr(4 × (0.11 × (29315 - 11497) + 0.3 × (83823 - 29315) + 0.41 × (671148 / 4 - 83823))) = 210950 EUR: \
scale
tax_adult_shares: arr(2 × (0.11 × (29315 - 11497) + 0.3 × (83823 - 29315) + 0.41 × (180294 - 83823)\
 + 0.45 × (671148 / 2 - 180294))) = 255483 EUR: scale
cap: 1791 × 4 = 7164 EUR: cap_half_share
capped_tax: max(210950, 255483 - 7164, 0) = 248319 EUR: cap_half_share
surcharge: 248319 - 210950 = 37369 EUR: cap_half_share
discount: min(248319, max(0, arr(1470 - 0.4525 × 248319))) = 0 EUR: decote_couple decote_rate
tax: max(248319 - 0 - 0, 0) = 248319 EUR: scale cap_half_share decote_rate
rate: rate_of(scale(671148 / 2)) = 0.45 1: scale
cehr: arr(0.03 × (671148 - 500000)) = 5134 EUR: cehr_couple
collected: 248319 + 5134 = 253453 EUR: collection_min_before_credits""",
}


@pytest.mark.parametrize("household", STEPS, ids=["alone", "couple"])
def test_the_steps_of_a_household(household: Household) -> None:
    """Each step has its numbers, result and unit, and the parameters that decided the result."""
    law = YEARS[household.year or 0]
    told = explain(law, household, law.compute_values(household))
    assert STEPS[household].splitlines() == [
        f"{s['name']}: {s['numbers']} = {s['result']} {s['unit']}: {' '.join(s['parameters'])}" for s in told
    ]
    assert {int, float} >= {type(step["result"]) for step in told}


def test_labels_and_articles_of_a_step() -> None:
    """A step has labels in both languages, its formula, and each article for its parameters once."""
    law = YEARS[2018]
    (step,) = (step for step in explain(law, ALONE, law.compute_values(ALONE)) if step["name"] == "cap")
    assert step == {
        "name": "cap",
        "fr": "plafond de l'avantage des demi-parts",
        "en": "cap on the saving from the extra half-shares",
        "formula": "cap_single_parent_first_child + cap_half_share × (extra_half_shares - 2) if single_parent"
        " else cap_half_share × extra_half_shares",
        "numbers": "3660 + 1551 × (2 - 2)",
        "result": 3660,
        "unit": "EUR",
        "parameters": ["cap_single_parent_first_child", "cap_half_share"],
        "reference": "CGI art. 197, I, 2, 2nd paragraph; CGI art. 197, I, 2",
    }


@pytest.mark.parametrize(
    ("salary", "taxable", "numbers"),
    [
        (12_774, "12774 - 1277 + 0 - 0", "arr(1 × 0)"),
        (32_572, "32572 - 3257 + 0 - 0", "arr(1 × (0.11 × (29315 / 1 - 11497)))"),
    ],
)
def test_a_bracket_that_is_just_not_reached(salary: int, taxable: str, numbers: str) -> None:
    """An income exactly at the limit of a bracket does not reach the next bracket."""
    law, household = YEARS[2024], Household(False, 0, salary, 2024)
    told = {step["name"]: step["numbers"] for step in explain(law, household, law.compute_values(household))}
    assert (taxable, numbers) == (told["taxable_income"], told["tax_all_shares"])


def test_a_scale_that_taxes_the_first_euro() -> None:
    """In a bracket that begins at 0, the formula subtracts nothing."""
    scale = [(Fraction(0), Fraction(1, 10)), (Fraction(9000), Fraction(1, 5))]
    law, household = (
        replace(YEARS[2024], scales={**YEARS[2024].scales, "scale": scale}),
        Household(False, 0, 9_000, 2024),
    )
    told = {step["name"]: step["numbers"] for step in explain(law, household, law.compute_values(household))}
    assert "arr(1 × (0.1 × (8100 / 1)))" == told["tax_all_shares"]


def test_numbers_in_decimals() -> None:
    """Whole numbers are formatted without a decimal point."""
    half = schedules().years[2018].constants["share_child_1"]
    assert ["3", "0.5", "1.5", "2"] == [format_decimal(half * n) for n in (6, 1, 3, 4)]

"""The rules `v7` agree with every case of the contract and with an oracle in fractions."""

from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from income_tax.tax import simplified_v7_rules
from income_tax.tax.models import MAX_SALARY, Household
from tests.support.data import RESULT_FIELDS, v7_cases, v7_schedule

SCHEDULE = v7_schedule()

# The constants of section 1 of the contract, for calculations with fractions.
LIMITS = [(9964, "0", "0"), (27519, "0.14", "1394.96"), (73779, "0.30", "5798"), (156244, "0.41", "13913.69")]
BEYOND = ("0.45", "20163.45")


def contract(married: bool, children: int, salary: int) -> tuple[int, int, float, int, int]:
    deduction = min(max(Fraction(salary, 10), Fraction(437)), Fraction(12502))
    taxable = max(0, floor(salary - deduction))

    def halves(c: int) -> int:
        return c if c < 3 else 2 * c - 2

    def gross(c: int) -> tuple[int, Fraction]:
        shares = (2 if married else 1) + Fraction(halves(c), 2)
        rate, constant = next(((r, k) for limit, r, k in LIMITS if taxable / shares <= limit), BEYOND)
        return floor(taxable * Fraction(rate) - shares * Fraction(constant)), Fraction(rate)

    surcharge0 = max(0, floor(taxable - Fraction(9, 10) * salary))
    (with_, rate_with), (alone, rate_alone) = gross(children), gross(0)
    without = alone - 1551 * halves(children)
    tax, surcharge, rate = (
        (with_, surcharge0, rate_with) if with_ > without else (without, without - with_ + surcharge0, rate_alone)
    )
    discount = 0
    if tax < (2627 if married else 1595):
        discount = ceil(min(Fraction(tax), max(Fraction(0), (1970 if married else 1196) - Fraction(3, 4) * tax)))
    reduction = 0
    if taxable < (42074 if married else 21037) + 3797 * halves(children):
        reduction = ceil(Fraction(1, 5) * (tax - discount))
    return tax - discount - reduction, surcharge, float(rate), discount, reduction


def assessed(married: bool, children: int, salary: int) -> tuple[int, int, float, int, int]:
    result = simplified_v7_rules.assess(Household(married, children, salary), SCHEDULE)
    return result.tax, result.surcharge, result.rate, result.discount, result.reduction


@pytest.mark.parametrize("case", v7_cases(), ids=lambda c: f"{c['married']}-{c['children']}-{c['salary']}")
def test_case(case: dict[str, Any]) -> None:
    """The result of every published or additional case of the contract is exact to the euro."""
    assert tuple(case[name] for name in RESULT_FIELDS) == assessed(
        case["married"] == "yes", case["children"], case["salary"]
    )


def test_the_contract_has_all_cases() -> None:
    """The contract has 372 cases."""
    assert 372 == len(v7_cases())


@given(st.booleans(), st.integers(0, 99), st.integers(0, 400_000) | st.integers(0, MAX_SALARY))
@example(False, 0, 0)
@example(True, 99, MAX_SALARY)
def test_equals_fractions(married: bool, children: int, salary: int) -> None:
    """For any household, the service's integers give the same result as the contract's formulas in fractions."""
    assert contract(married, children, salary) == assessed(married, children, salary)


@given(st.booleans(), st.integers(0, 99), st.integers(0, MAX_SALARY))
def test_never_negative(married: bool, children: int, salary: int) -> None:
    """The tax of a household and all parts of the tax are 0 or more."""
    assert all(amount >= 0 for amount in assessed(married, children, salary))

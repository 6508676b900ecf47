"""The rules `v7` at limits where one euro changes the result."""

from dataclasses import replace

import pytest

from income_tax.tax.brackets import SCALE
from income_tax.tax.models import Household
from income_tax.tax.simplified_v7_rules import V7Schedule, assess, compute_discount
from tests.support.data import schedules
from tests.unit.income_tax.tax.test_simplified_v7_rules import assessed, contract


@pytest.mark.parametrize(
    ("children", "salary"),
    [(1, 36_500), (1, 36_504), (1, 36_505), (2, 42_427), (2, 42_428)],
)
def test_the_cap_equals_the_saving(children: int, salary: int) -> None:
    """If the tax with the children's shares equals the capped tax, the rate without children applies."""
    found = assessed(False, children, salary)
    assert contract(False, children, salary) == found
    assert 0.3 == found[2]


@pytest.mark.parametrize("married", [False, True])
@pytest.mark.parametrize("children", [0, 1, 2, 3, 4])
def test_reduction_ends_at_its_limit(married: bool, children: int) -> None:
    """A household with an income below the limit has a reduction, and a household at the limit has no reduction."""
    halves = children if children < 3 else 2 * children - 2
    limit = (42_074 if married else 21_037) + 3797 * halves
    salaries = range(limit * 10 // 9 - 2, limit * 10 // 9 + 4)
    assert [contract(married, children, salary) for salary in salaries] == [
        assessed(married, children, salary) for salary in salaries
    ]


@pytest.mark.parametrize("married", [False, True])
def test_the_discount_ends_at_its_threshold(married: bool) -> None:
    """The discount ends at the thresholds of the schedule, which can differ from the thresholds of 2018."""
    early = with_thresholds(1000, 1500)
    end = 1500 if married else 1000
    assert [True, False, False] == [compute_discount(tax, married, early) > 0 for tax in (end - 1, end, end + 1)]
    assert 0 == compute_discount(8000, married, with_thresholds(9000, 9000))


def with_thresholds(single: int, couple: int) -> V7Schedule:
    """Return the schedule `v7` with these thresholds of the discount, which are given in euros."""
    ends = single * SCALE, couple * SCALE
    return replace(schedules().v7, decote_threshold_single=ends[0], decote_threshold_couple=ends[1])


def test_a_cap_in_cents_gives_whole_euros() -> None:
    """If a cap has cents, the cents are dropped, so that the tax is a whole number of euros."""
    household = Household(False, 1, 200_000)
    whole = schedules().v7
    cents = replace(whole, cap_half_share=whole.cap_half_share + SCALE // 2)
    found = assess(household, cents).tax
    assert (int, assess(household, whole).tax) == (type(found), found)

"""The laws of 2018 to 2025 agree with the test cases and with an oracle."""

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from income_tax.tax import simplified_v7_rules
from income_tax.tax.compiled_law import Law
from income_tax.tax.models import MAX_CHILDREN, MAX_SALARY, DatedAssessment, Household
from income_tax.tax.schedule_parser import parse_schedules
from income_tax.tax.vectorized import Households, assess_dated
from tests.support import oracle
from tests.support.data import law_cases, official_cases, schedules, v7_schedule

YEARS = schedules().years
salaries = st.integers(0, 300_000) | st.integers(0, MAX_SALARY)
children = st.integers(0, 4) | st.integers(0, MAX_CHILDREN)


@st.composite
def households(draw: st.DrawFn) -> Household:
    """Draw a valid household of any year."""
    married = draw(st.booleans())
    count = draw(children)
    alone = not married and count > 0 and draw(st.booleans())
    spouse = draw(salaries) if married else 0
    return Household(married, count, draw(salaries), draw(st.sampled_from(sorted(YEARS))), alone, spouse)


def household_of(case: dict[str, Any]) -> Household:
    """Return the household of a case."""
    married, alone = case["married"] == "yes", case.get("single_parent") == "yes"
    return Household(
        married, case["children"], case["salary"], case["income_year"], alone, case.get("spouse_salary") or 0
    )


def select_steps(law: Law, household: Household) -> dict[str, int]:
    """Return a mapping from the name of each step to its value."""
    return dict(zip((step.name for step in law.steps), law.compute_values(household), strict=True))


def test_all_cases() -> None:
    """The law gives the expected value of every column in all 2,878 cases."""
    cases = law_cases()
    assert 2878 == len(cases)
    for case in cases:
        law = YEARS[case["income_year"]]
        found = law.assess(household_of(case))._asdict()
        wanted = {"discount" if name == "decote" else name: value for name, value in case.items()}
        assert {name: wanted[name] for name in found if name != "surcharge"} == {
            name: value for name, value in found.items() if name != "surcharge"
        }
        steps = select_steps(law, household_of(case))
        assert [case["tax_all_shares"], case["tax_adult_shares"]] == [
            steps["tax_all_shares"],
            steps["tax_adult_shares"],
        ]


def test_official_cases() -> None:
    """The law gives the tax of the tax authority's simulator for all 11 official cases of 2018."""
    cases = official_cases()
    assert 11 == len(cases)
    assert [case["tax"] for case in cases] == [YEARS[2018].assess(household_of(case)).tax for case in cases]


@given(households())
def test_any_household_equals_the_oracle(household: Household) -> None:
    """For any household, each result and both taxes before the cap equal the results of the oracle."""
    law = YEARS[household.year or 0]
    wanted = oracle.owed(household, schedules().data["schedules"][str(household.year)])
    found = law.assess(household)._asdict()
    steps = select_steps(law, household)
    assert wanted == found | {name: steps[name] for name in ("tax_all_shares", "tax_adult_shares")}


@given(households())
def test_the_cap_is_respected(household: Household) -> None:
    """The tax saving for children never exceeds the cap, and children never increase the tax."""
    steps = select_steps(YEARS[household.year or 0], household)
    assert steps["tax_adult_shares"] - steps["capped_tax"] <= steps["cap"]
    assert 0 <= steps["surcharge"]
    assert 0 <= steps["tax"] <= steps["capped_tax"] <= max(steps["tax_adult_shares"], steps["tax_all_shares"])


@given(households(), st.integers(1, 5000))
def test_tax_rises_with_the_salary(household: Household, more: int) -> None:
    """Neither the tax nor the collected amount falls as a salary rises, even after rounding."""
    h = household
    law = YEARS[h.year or 0]
    higher = Household(
        h.married, h.children, min(h.salary + more, MAX_SALARY), h.year, h.single_parent, h.spouse_salary
    )
    assert law.assess(h).tax <= law.assess(higher).tax
    assert law.assess(h).collected <= law.assess(higher).collected


@pytest.mark.parametrize(("year", "married", "alone"), [(y, m, a) for y in YEARS for m, a in [(0, 0), (0, 1), (1, 0)]])
def test_every_euro_of_salary(year: int, married: int, alone: int) -> None:
    """One more euro of salary raises the tax by at most 3 euros. The collected amount jumps only at its threshold."""
    length, count = 130_000, 1 if alone else 2 * married
    same = np.ones(length, np.int64)
    couple, parent = np.full(length, bool(married)), np.full(length, bool(alone))
    found = assess_dated(
        Households(same * year, couple, parent, same * count, np.arange(length), same * 0), YEARS[year]
    )
    assert set(np.diff(found["tax"]).tolist()) <= {0, 1, 2, 3}
    jumps = [rise for rise in np.diff(found["collected"]).tolist() if rise > 3]
    assert 1 == len(jumps)
    assert 61 <= jumps[0] <= 62


@pytest.mark.parametrize(("married", "salary", "jump"), [(False, 23_374, 304), (True, 46_748, 620)])
def test_the_cliff_of_v7(married: bool, salary: int, jump: int) -> None:
    """Under the rules `v7`, one more euro of salary can end the reduction and add hundreds of euros of tax."""
    schedule = v7_schedule()
    before, after = (
        simplified_v7_rules.assess(Household(married, 0, s, None), schedule).tax for s in (salary, salary + 1)
    )
    assert jump == after - before


def test_notes() -> None:
    """Only the results of 2018 have a note, which is on the tax credit of that year."""
    assert {2018: ["CIMR"]} == {year: [note.code for note in law.notes] for year, law in YEARS.items() if law.notes}


@pytest.mark.parametrize(("married", "single_parent"), [(False, False), (False, True), (True, False)])
def test_minimum_tax_is_never_due_on_salaries(married: bool, single_parent: bool) -> None:
    """With salaries alone and fewer than 20 children, the other taxes exceed the CDHR's minimum (CGI art. 224, II)."""
    law, adults = YEARS[2025], 2 if married else 1
    for children in range(1 if single_parent else 0, 20):
        for salary in range(250_000, 1_000_001, 25_000):
            spouse_salary = salary if married else 0
            found = law.assess(Household(married, children, salary, 2025, single_parent, spouse_salary))
            if (excess := found.taxable_income - 250_000 * adults) > 0:
                counted = found.tax + found.cehr + 1500 * children + (12_500 if married else 0)
                assert counted >= min(0.2 * found.taxable_income, 0.825 * excess)


def test_results_are_plain_numbers() -> None:
    """Amounts are integers, and shares and rate are floats without rounding errors."""
    found = YEARS[2024].assess(Household(True, 3, 60_000, 2024))
    kinds = [type(value) for value in found]
    assert [float if name in ("shares", "rate") else int for name in DatedAssessment._fields] == kinds
    assert (4.0, 0.11) == (found.shares, found.rate)


def test_too_fine_constants_prevent_arrays() -> None:
    """If products of constants need more than 64 bits, households are calculated one by one with the same results."""
    data = copy.deepcopy(schedules().data)
    rows = data["schedules"]["2024"]["scale"]["brackets"]
    rows[1]["rate"], rows[3]["upper_limit"] = "0.1237", "180294.1237"
    law = parse_schedules(data).years[2024]
    assert not law.fits_arrays
    assert YEARS[2024].fits_arrays
    same = np.ones(2, np.int64)
    households = Households(
        same * 2024, same == 1, same == 0, same * 99, np.array([MAX_SALARY, 50_000]), np.array([MAX_SALARY, 0])
    )
    found = assess_dated(households, law)
    assert [law.assess(household).tax for household in households] == found["tax"].tolist()

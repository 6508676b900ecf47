"""The rules `v7`, which simplify the tax law of 2018 and support only one salary per household.

As in the reference implementation, tax amounts are rounded down, and the discount and the reduction are rounded up.
"""

from dataclasses import dataclass

from .brackets import SCALE, Bracket
from .models import Assessment, Household


@dataclass(frozen=True, slots=True)
class V7Schedule:
    """The brackets and constants of the rules `v7`. Rates and euro amounts are integer numbers of ten-thousandths."""

    brackets: tuple[Bracket, ...]
    deduction_rate: int
    deduction_min: int
    deduction_max: int
    cap_half_share: int
    decote_rate: int
    decote_threshold_single: int
    decote_threshold_couple: int
    decote_single: int
    decote_couple: int
    reduction_rate: int
    reduction_limit_single: int
    reduction_limit_couple: int
    reduction_per_half_share: int


def count_half_shares(children: int) -> int:
    """Count the half-shares for children. The first two children add one each, and each further child adds two."""
    return children if children < 3 else 2 * children - 2


def compute_taxable_income(salary: int, schedule: V7Schedule) -> int:
    """Return the salary after the deduction for professional expenses, rounded down to whole euros."""
    share = salary * schedule.deduction_rate
    deduction = min(max(share, schedule.deduction_min), schedule.deduction_max)
    return max(0, (salary * SCALE - deduction) // SCALE)


def compute_gross_tax(taxable: int, half_shares: int, schedule: V7Schedule) -> tuple[int, int]:
    """Return the tax under the scale, rounded down to whole euros, and the rate of the highest bracket reached."""
    for bracket in schedule.brackets:
        if bracket.limit is None or 2 * taxable * SCALE <= bracket.limit * half_shares:
            break
    return (2 * taxable * bracket.rate - half_shares * bracket.constant) // (2 * SCALE), bracket.rate


def compute_discount(tax: int, married: bool, schedule: V7Schedule) -> int:
    """Return the décote, a discount on small amounts of tax, rounded up to whole euros."""
    threshold = schedule.decote_threshold_couple if married else schedule.decote_threshold_single
    if tax * SCALE >= threshold:
        return 0
    ceiling = schedule.decote_couple if married else schedule.decote_single
    return -(-min(tax * SCALE, max(0, ceiling - schedule.decote_rate * tax)) // SCALE)


def compute_reduction(taxable: int, half_shares: int, owed: int, married: bool, schedule: V7Schedule) -> int:
    """Return the reduction for modest incomes, computed from the tax after the décote and rounded up to whole euros."""
    limit = schedule.reduction_limit_couple if married else schedule.reduction_limit_single
    if taxable * SCALE >= limit + schedule.reduction_per_half_share * half_shares:
        return 0
    return -(-schedule.reduction_rate * owed // SCALE)


def assess(household: Household, schedule: V7Schedule) -> Assessment:
    """Calculate the assessment of a household under the rules `v7`."""
    married, salary = household.married, household.salary
    taxable = compute_taxable_income(salary, schedule)
    adults = 4 if married else 2  # in half-shares
    extra = count_half_shares(household.children)
    with_children, rate = compute_gross_tax(taxable, adults + extra, schedule)
    alone, rate_alone = compute_gross_tax(taxable, adults, schedule)
    capped = alone - schedule.cap_half_share * extra // SCALE
    # If the maximum limits the deduction, count the part above the maximum as a surcharge, as the reference
    # implementation does.
    surcharge = max(0, (taxable * SCALE - salary * (SCALE - schedule.deduction_rate)) // SCALE)
    tax = with_children
    if with_children <= capped:
        tax, rate, surcharge = capped, rate_alone, capped - with_children + surcharge
    discount = compute_discount(tax, married, schedule)
    reduction = compute_reduction(taxable, extra, tax - discount, married, schedule)
    return Assessment(tax - discount - reduction, surcharge, rate / SCALE, discount, reduction)

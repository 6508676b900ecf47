"""A second implementation of the laws of 2018 to 2025 with exact fractions.

The implementation follows only the text of the laws and shares no formula with the service.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from income_tax.tax.models import Household

Figures = Mapping[str, Any]  # a schedule of db/init/schedules.json


def arr(x: Fraction) -> int:
    """Round to the nearest euro, half up (CGI art. 1657, 1)."""
    return floor(x + Fraction(1, 2))


def value(figures: Figures, name: str) -> Fraction:
    """Return a constant of a schedule as a fraction."""
    return Fraction(Decimal(figures[name]["value"]))


def brackets(figures: Figures, name: str) -> list[tuple[Fraction, Fraction | None, Fraction]]:
    """Return the lower limit, the upper limit and the rate of each bracket. An upper limit of None means no limit."""
    low, rows = Fraction(0), []
    for row in figures[name]["brackets"]:
        high = None if row["upper_limit"] is None else Fraction(Decimal(row["upper_limit"]))
        rows.append((low, high, Fraction(Decimal(row["rate"]))))
        low = high or low
    return rows


def scale(figures: Figures, name: str, q: Fraction) -> Fraction:
    """Apply a scale to q: multiply the part of q in each bracket by the bracket's rate, and return the sum."""
    parts = ((min(q, q if high is None else high) - low, rate) for low, high, rate in brackets(figures, name))
    return sum((rate * part for part, rate in parts if part > 0), Fraction(0))


def owed(h: Household, figures: Figures) -> dict[str, Any]:
    """Calculate every result for a household, including the two taxes before the cap."""

    def of(name: str) -> Fraction:
        return value(figures, name)

    def net(salary: int) -> Fraction:
        deduction = min(max(Fraction(arr(of("deduction_rate") * salary)), of("deduction_min")), of("deduction_max"))
        return max(Fraction(0), salary - deduction)

    taxable = net(h.salary) + net(h.spouse_salary)
    adults = 1 + (of("share_spouse") if h.married else 0)
    of_children = [of("share_child_1"), of("share_child_2"), *[of("share_child_3_plus")] * 97][: h.children]
    shares = adults + sum(of_children) + (of("share_single_parent") if h.single_parent else 0)
    extra = 2 * (shares - adults)
    everything = arr(shares * scale(figures, "scale", taxable / shares))
    alone = arr(adults * scale(figures, "scale", taxable / adults))
    cap = of("cap_half_share") * extra
    if h.single_parent:
        cap = of("cap_single_parent_first_child") + of("cap_half_share") * (extra - 2)
    capped = max(Fraction(everything), Fraction(0), alone - cap)
    ceiling = of("decote_couple" if h.married else "decote_single")
    decote = min(capped, Fraction(max(0, arr(ceiling - of("decote_rate") * capped))))
    reduction = 0
    if "reduction_rate" in figures:
        first, last = (
            of(f"reduction_{end}_limit_per_adult") * adults + of("reduction_per_half_share") * extra
            for end in ("full", "end")
        )
        if taxable < first:
            reduction = arr(of("reduction_rate") * (capped - decote))
        elif taxable < last:
            reduction = arr(of("reduction_rate") * (capped - decote) * (last - taxable) / (last - first))
    tax = max(Fraction(0), capped - decote - reduction)
    quotient = taxable / (shares if capped == everything else adults)
    cehr = arr(scale(figures, "cehr_couple" if h.married else "cehr_single", taxable))
    due = tax + cehr
    return {
        "taxable_income": taxable,
        "shares": shares,
        "tax": tax,
        "surcharge": capped - everything,
        "rate": float(max([Fraction(0), *(rate for low, _, rate in brackets(figures, "scale") if quotient > low)])),
        "discount": decote,
        "reduction": reduction,
        "cehr": cehr,
        "collected": 0 if due < of("collection_min_before_credits") else due,
        "tax_all_shares": everything,
        "tax_adult_shares": alone,
    }

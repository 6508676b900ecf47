"""Data classes of a household and its assessment."""

from dataclasses import dataclass
from typing import NamedTuple

MAX_CHILDREN = 99
MAX_SALARY = 999_999_999  # euros per year


@dataclass(frozen=True, slots=True)
class Household:
    """A household whose only income is salaries, in whole euros per year. Its children live with their parents.

    If `year` is None, the rules `v7` apply. These rules support neither single parents nor a second salary.
    """

    married: bool
    children: int
    salary: int
    year: int | None = None
    single_parent: bool = False  # "parent isolé", an adult who lives alone with children
    spouse_salary: int = 0


class Assessment(NamedTuple):
    """The tax result under the rules `v7`. Amounts are whole euros, and `rate` is a fraction (0.41 is 41 %)."""

    tax: int
    surcharge: int
    rate: float
    discount: int
    reduction: int


class DatedAssessment(NamedTuple):
    """The tax result under an income year's law. Amounts are whole euros, and `rate` is a fraction (0.41 is 41 %)."""

    taxable_income: int
    shares: float
    tax: int
    surcharge: int  # additional tax due to the cap on the family quotient
    rate: float  # rate of the highest bracket reached
    discount: int  # the décote
    reduction: int
    cehr: int  # surtax on high incomes, not included in `tax`
    collected: int  # tax plus surtax, or 0 if the sum is below the collection threshold

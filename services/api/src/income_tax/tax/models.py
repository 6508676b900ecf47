"""A household, and the results of its assessment."""

from dataclasses import dataclass
from typing import NamedTuple

MAX_CHILDREN = 99
MAX_SALARY = 999_999_999  # euros a year


@dataclass(frozen=True, slots=True)
class Household:
    """The declaration of one household with salaries only, in whole euros a year; children live with their parents.

    Without an income year the rules `v7` apply, which have neither single parents nor a second salary.
    """

    married: bool
    children: int
    salary: int
    year: int | None = None
    single_parent: bool = False  # "parent isolé": alone with children
    spouse_salary: int = 0


class Assessment(NamedTuple):
    """The result by the rules `v7`: whole euros; `rate` is a fraction (0.41 is 41 %)."""

    tax: int
    surcharge: int
    rate: float
    discount: int
    reduction: int


class DatedAssessment(NamedTuple):
    """The result by the law of an income year: whole euros; `rate` is a fraction (0.41 is 41 %)."""

    taxable_income: int
    shares: float
    tax: int
    surcharge: int  # added by the cap of the family quotient
    rate: float  # of the bracket reached
    discount: int  # the décote
    reduction: int
    cehr: int  # surtax on high incomes, beside the tax
    collected: int  # tax and surtax; 0 below the threshold of collection

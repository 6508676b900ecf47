"""The results of a calculation: amounts in whole euros, `rate` as a fraction (0.41 is 41 %)."""

from typing import NamedTuple


class Assessment(NamedTuple):
    """What a household owes by the rules `v7`."""

    tax: int
    surcharge: int
    rate: float
    discount: int
    reduction: int


class DatedAssessment(NamedTuple):
    """What a household owes by the law of an income year."""

    taxable_income: int
    shares: float
    tax: int
    surcharge: int  # what the cap of the family quotient costs
    rate: float  # of the bracket reached
    discount: int  # the décote
    reduction: int
    cehr: int  # surtax on high incomes, beside the tax
    collected: int  # tax and surtax; 0 below the threshold of collection

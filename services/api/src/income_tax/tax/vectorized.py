"""Many households at once: the same law as for one, on arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import v7
from .assessment import Assessment, DatedAssessment
from .household import Household
from .law import FRACTIONS, Evaluate, Law
from .v7 import V7Schedule

Numbers = NDArray[np.int64]
Truths = NDArray[np.bool_]
V7 = 0  # stands for no year


@dataclass(frozen=True, slots=True)
class Households:
    """Households as columns of the same length: whole euros a year; `year` is V7 where the rules `v7` hold."""

    year: Numbers
    married: Truths
    single_parent: Truths
    children: Numbers
    salary: Numbers
    spouse_salary: Numbers

    def take(self, rows: NDArray[Any]) -> "Households":
        """Some of them."""
        return Households(*(getattr(self, name)[rows] for name in self.__slots__))

    def __iter__(self) -> Any:
        columns = [getattr(self, name).tolist() for name in self.__slots__]
        for year, married, single_parent, children, salary, spouse_salary in zip(*columns, strict=True):
            yield Household(married, children, salary, year or None, single_parent, spouse_salary)


def assess_v7(households: Households, schedule: V7Schedule) -> list[Assessment]:
    """What each household owes by the rules `v7`."""
    return [v7.assess(household, schedule) for household in households]


def assess_dated(households: Households, law: Law) -> Mapping[str, NDArray[Any]]:
    """What each household owes by the law of one year: the columns of DatedAssessment."""
    if not law.fits_arrays:
        rows = [law.assess(household) for household in households]
        columns = zip(*rows, strict=True) if rows else ([] for _ in DatedAssessment._fields)
        return {name: np.array(column) for name, column in zip(DatedAssessment._fields, columns, strict=True)}
    h = households
    values = compiled(law)(h.married, h.single_parent, h.children, h.salary, h.spouse_salary)
    by_name = {step.name: value for step, value in zip(law.steps, values, strict=True)}
    return {name: column(by_name[name], law, name, len(h.year)) for name in DatedAssessment._fields}


def column(value: Any, law: Law, name: str, length: int) -> NDArray[Any]:
    """A result as an array, also where it is the same for all."""
    return np.broadcast_to(value / law.divisors[name] if name in FRACTIONS else value, length)


def may_owe_cdhr(law: Law, married: Truths, taxable_income: Numbers) -> Truths:
    """To whom the note on the CDHR is due."""
    single, couple = law.cdhr_threshold(married=False), law.cdhr_threshold(married=True)
    if single is None or couple is None:
        return np.zeros(len(married), bool)
    return np.where(married, taxable_income > float(couple), taxable_income > float(single))


@lru_cache(maxsize=64)
def compiled(law: Law) -> Evaluate:
    """The law's steps for arrays."""
    return law.function(arrays=True, min=lowest, max=highest, where=np.where)


def lowest(*values: Any) -> Any:
    """The least, element by element."""
    return reduce(np.minimum, values)


def highest(*values: Any) -> Any:
    """The greatest, element by element."""
    return reduce(np.maximum, values)

"""Assessment of many households. The formulas of a law are applied to arrays. The rules `v7` are applied in a loop."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import simplified_v7_rules
from .compiled_law import FRACTIONS, Evaluate, Law
from .models import Assessment, DatedAssessment, Household
from .simplified_v7_rules import V7Schedule

Numbers = NDArray[np.int64]
Truths = NDArray[np.bool_]
V7 = 0  # value of `Households.year` for households under the rules `v7`


@dataclass(frozen=True, slots=True)
class Households:
    """Households as columns of equal length. Salaries are whole euros per year. Under the rules `v7`, `year` is V7."""

    year: Numbers
    married: Truths
    single_parent: Truths
    children: Numbers
    salary: Numbers
    spouse_salary: Numbers

    def take(self, rows: NDArray[Any]) -> "Households":
        """Return the households in the selected rows."""
        return Households(*(getattr(self, name)[rows] for name in self.__slots__))

    def __iter__(self) -> Any:
        columns = [getattr(self, name).tolist() for name in self.__slots__]
        for year, married, single_parent, children, salary, spouse_salary in zip(*columns, strict=True):
            yield Household(married, children, salary, year or None, single_parent, spouse_salary)


def assess_v7(households: Households, schedule: V7Schedule) -> list[Assessment]:
    """Assess each household under the rules `v7`."""
    return [simplified_v7_rules.assess(household, schedule) for household in households]


def assess_dated(households: Households, law: Law) -> Mapping[str, NDArray[Any]]:
    """Assess the households under the law of one income year. Return a column for each field of DatedAssessment."""
    if not law.fits_arrays:
        rows = [law.assess(household) for household in households]
        columns = zip(*rows, strict=True) if rows else ([] for _ in DatedAssessment._fields)
        return {name: np.array(column) for name, column in zip(DatedAssessment._fields, columns, strict=True)}
    h = households
    values = compile_law(law)(h.married, h.single_parent, h.children, h.salary, h.spouse_salary)
    by_name = {step.name: value for step, value in zip(law.steps, values, strict=True)}
    return {name: build_column(by_name[name], law, name, len(h.year)) for name in DatedAssessment._fields}


def build_column(value: Any, law: Law, name: str, length: int) -> NDArray[Any]:
    """Return a result as an array of the given length, even if the result is a scalar."""
    return np.broadcast_to(value / law.divisors[name] if name in FRACTIONS else value, length)


@lru_cache(maxsize=64)
def compile_law(law: Law) -> Evaluate:
    """Compile the steps of the law to a function that calculates with arrays."""
    return law.build_function(arrays=True, min=compute_minimum, max=compute_maximum, where=np.where)


def compute_minimum(*values: Any) -> Any:
    """Return the element-wise minimum of the values."""
    return reduce(np.minimum, values)


def compute_maximum(*values: Any) -> Any:
    """Return the element-wise maximum of the values."""
    return reduce(np.maximum, values)

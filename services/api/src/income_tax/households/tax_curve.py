"""The tax along the salary."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from income_tax.tax.law import Note
from income_tax.tax.schedule_data import Schedules
from income_tax.tax.vectorized import V7, Households, assess_dated, assess_v7, may_owe_cdhr

from .parameters import CHILDREN, MARRIED, SINGLE_PARENT, SPOUSE_SALARY, YEAR, Values


class Along(NamedTuple):
    """A household's tax at each of some salaries, in euros, and what must be said beside it."""

    taxes: list[int]
    notes: list[tuple[Note, ...]]


def along(values: Values, salaries: Sequence[int], schedules: Schedules) -> Along:
    """Taxes and notes of a household at each of the salaries."""
    length = len(salaries)
    year = values.get(YEAR, V7)
    households = Households(
        np.full(length, year),
        np.full(length, bool(values[MARRIED])),
        np.full(length, bool(values.get(SINGLE_PARENT))),
        np.full(length, values[CHILDREN]),
        np.array(salaries, np.int64),
        np.full(length, values.get(SPOUSE_SALARY, 0)),
    )
    if year == V7:
        return Along([assessment.tax for assessment in assess_v7(households, schedules.v7)], [()] * length)
    law = schedules.years[year]
    results, kinds = assess_dated(households, law), law.build_notes()
    high = may_owe_cdhr(law, households.married, results["taxable_income"])
    return Along(results["tax"].tolist(), [kinds[flag] for flag in high.tolist()])

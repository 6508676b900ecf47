"""The tax of a household along its salary."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from income_tax.tax.law import Note
from income_tax.tax.schedule_data import Schedules
from income_tax.tax.vectorized import V7, Households, assess_dated, assess_v7, may_owe_cdhr

from .parameters import CHILDREN, MARRIED, SINGLE_PARENT, SPOUSE_SALARY, YEAR, Values


class TaxCurve(NamedTuple):
    """The tax at each salary, in whole euros a year, and the notes on each result."""

    taxes: list[int]
    notes: list[tuple[Note, ...]]


def compute_tax_curve(values: Values, salaries: Sequence[int], schedules: Schedules) -> TaxCurve:
    """Compute the taxes and notes of a household at each of the salaries, in whole euros a year."""
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
        return TaxCurve([assessment.tax for assessment in assess_v7(households, schedules.v7)], [()] * length)
    law = schedules.years[year]
    results, notes_by_cdhr = assess_dated(households, law), law.build_notes()
    high = may_owe_cdhr(law, households.married, results["taxable_income"])
    return TaxCurve(results["tax"].tolist(), [notes_by_cdhr[flag] for flag in high.tolist()])

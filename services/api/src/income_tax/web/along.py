"""The tax along the salary."""

from collections.abc import Sequence

import numpy as np

from ..store.schedules import Schedules
from ..tax.batch import V7, Households, assess_dated, assess_v7
from .parameters import CHILDREN, MARRIED, SINGLE_PARENT, SPOUSE_SALARY, YEAR, Values


def taxes_of(values: Values, salaries: Sequence[int], schedules: Schedules) -> list[int]:
    """The tax of a household at each of the salaries, in euros."""
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
        return [assessment.tax for assessment in assess_v7(households, schedules.v7)]
    taxes: list[int] = assess_dated(households, schedules.years[year])["tax"].tolist()
    return taxes

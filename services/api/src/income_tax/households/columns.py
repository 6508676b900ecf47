"""Columns of many households' values as arrays of numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from income_tax.tax.vectorized import Numbers

from .parameters import YES_NO, Parameter

WRONG = -1  # no value
SURE_DIGITS = 9  # so many are a number within 64 bits


def json_column(parameter: Parameter, column: Sequence[Any]) -> Numbers:
    """A column of values of JSON as numbers."""
    if parameter.maximum is None:
        return np.array([YES_NO.get(value, WRONG) if type(value) is str else WRONG for value in column], np.int64)
    if {*map(type, column)} != {int}:
        column = [value if type(value) is int else WRONG for value in column]
    try:
        return np.array(column, np.int64)
    except OverflowError:
        return np.array([value if 0 <= value <= (parameter.maximum or 0) else WRONG for value in column], np.int64)


def text_column(parameter: Parameter, column: Sequence[str]) -> Numbers:
    """A column of text as numbers; what is not written the plain way is left to be read by itself."""
    absent = WRONG if parameter.required else 0
    if parameter.maximum is None:
        return np.array([YES_NO.get(text, WRONG) if text else absent for text in column], np.int64)
    numbers = [
        int(text) if text.isdigit() and text.isascii() and len(text) <= SURE_DIGITS else WRONG if text else absent
        for text in column
    ]
    return np.array(numbers, np.int64)

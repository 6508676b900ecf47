"""Formulas that are compiled for numbers or for arrays give the same results as exact fractions."""

# ruff: noqa: ARG005 - all expected functions have the same parameters, used or not
from fractions import Fraction
from functools import cache
from math import floor
from types import CodeType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from income_tax.tax.brackets import ScheduleError
from income_tax.tax.formula_compiler import Compiler
from income_tax.tax.vectorized import compute_maximum, compute_minimum

CONSTANTS = {"a": Fraction(3, 4), "b": Fraction(181, 400), "c": Fraction(61)}
SCALE = [(Fraction(0), Fraction(0)), (Fraction(100), Fraction(1, 10)), (Fraction(1001, 2), Fraction(1, 20))]


@cache
def compiled(formula: str, arrays: bool = False) -> tuple[CodeType, int]:
    """Compile a formula with the names x, y and flag. Return the code and the divisor of the result."""
    compiler = Compiler(CONSTANTS, {"scale": SCALE}, {"x": 1, "y": 2, "flag": 1}, arrays)
    compiler.define("result", formula)
    return compile("\n".join(compiler.lines), formula, "exec"), compiler.divisors["result"]


def run(formula: str, x: Any, y: Any, flag: Any, arrays: bool = False) -> Any:
    """Run the code of a formula. Return the undivided result and its divisor."""
    code, divisor = compiled(formula, arrays)
    names = {"x": x, "y": y, "flag": flag}
    if arrays:
        names |= {"min": compute_minimum, "max": compute_maximum, "where": np.where}
    exec(code, names)  # noqa: S102 - only runs the code under test
    return names["result"], divisor


def tax(q: Fraction) -> Fraction:
    """Apply the scale of 10 % above 100 and 5 % above 500.5."""
    low, high = min(q, Fraction(1001, 2)) - 100, q - Fraction(1001, 2)
    return max(low, Fraction(0)) / 10 + max(high, Fraction(0)) / 20


def rate(q: Fraction) -> Fraction:
    """Return the rate of the bracket that contains `q`."""
    return Fraction(0) if q <= 100 else Fraction(1, 10) if q <= Fraction(1001, 2) else Fraction(1, 20)


@pytest.mark.parametrize(
    ("formula", "exact"),
    [
        ("a × x - b × y + c", lambda x, y, flag: Fraction(3, 4) * x - Fraction(181, 400) * y + 61),
        ("arr(a × x / 7)", lambda x, y, flag: floor(Fraction(3, 4) * x / 7 + Fraction(1, 2))),
        ("arr(x / (y + 1))", lambda x, y, flag: floor(x / (y + 1) + Fraction(1, 2))),
        ("min(x, y, c)", lambda x, y, flag: min(x, y, 61)),
        ("max(x - y, 0)", lambda x, y, flag: max(x - y, 0)),
        ("x if flag else y", lambda x, y, flag: x if flag else y),
        ("x if x < y else b × y", lambda x, y, flag: x if x < y else Fraction(181, 400) * y),
        ("arr((y + 1) × scale(x / (y + 1)))", lambda x, y, flag: floor((y + 1) * tax(x / (y + 1)) + Fraction(1, 2))),
        ("rate_of(scale(x / (y + 1)))", lambda x, y, flag: rate(x / (y + 1))),
        ("4 × (x - y)", lambda x, y, flag: 4 * (x - y)),
    ],
)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 400), st.booleans()), min_size=1, max_size=20))
def test_formulas_are_exact(formula: str, exact: Any, values: list[tuple[int, int, bool]]) -> None:
    """The code gives the exact result for single numbers and for arrays. The input y is a number of halves."""
    wanted = [exact(Fraction(x), Fraction(y, 2), flag) for x, y, flag in values]
    single = [Fraction(*run(formula, *value)) for value in values]
    assert wanted == single
    x, y, flags = (np.array(column) for column in zip(*values, strict=True))
    numbers, divisor = run(formula, x, y, flags, arrays=True)
    assert wanted == [Fraction(int(number), divisor) for number in numbers]


@pytest.mark.parametrize(
    ("formula", "error"),
    [
        ("x + missing", "constants missing: missing"),
        ("arr(other(x))", "brackets missing: other"),
    ],
)
def test_missing_constants_and_scales_are_named(formula: str, error: str) -> None:
    """The error names a constant or a scale that the schedule lacks."""
    with pytest.raises(ScheduleError, match=error):
        compiled(formula)


@pytest.mark.parametrize("formula", ["x / y", "x.real", "'x'", "x ** 2 if flag else x[0]"])
def test_unsupported_syntax_is_rejected(formula: str) -> None:
    """Syntax outside the formula language raises a ValueError."""
    with pytest.raises(ValueError, match=r"not a formula|must be rounded"):
        compiled(formula)

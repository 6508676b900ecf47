"""The compiler folds constant factors and divisors in the generated code."""

from fractions import Fraction

import pytest

from income_tax.tax.formula_compiler import Compiler, Ratio, fold_constant, multiply, reduce_product, subtract


@pytest.mark.parametrize(
    ("code", "factor", "product"),
    [
        ("2", 3, "6"),
        ("x", 0, "0"),
        (0, "x", "0"),
        ("x", 1, "x"),
        (1, "x", "x"),
        ("x", 2, "(2 * x)"),
        (2, "x", "(x * 2)"),
    ],
)
def test_constant_products_are_folded(code: str | int, factor: int | str, product: str) -> None:
    """Constant factors are multiplied, and a factor of 0 or 1 leaves no multiplication in the code."""
    assert product == multiply(code, factor)


def test_constant_divisors_are_numbers() -> None:
    """Code that is a constant becomes a number, and other code stays unchanged."""
    assert [12, "x"] == [fold_constant("12"), fold_constant("x")]


def test_zero_is_not_subtracted() -> None:
    """Subtracting 0 leaves the code unchanged."""
    assert ["x", "x - 3"] == [subtract("x", "0"), subtract("x", "3")]


@pytest.mark.parametrize(
    ("factor", "divisor", "wanted"),
    [("3", "12", Ratio("x", 4)), ("4", "6", Ratio("(2 * x)", 3)), ("a", "6", None), ("4", "y", None)],
)
def test_constant_factors_are_reduced(factor: str, divisor: str, wanted: Ratio | None) -> None:
    """A constant factor and a constant divisor are reduced to lowest terms."""
    assert wanted == reduce_product(factor, Ratio("x", 5), divisor)


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("arr(x)", ["result = x"]),
        ("half × x + 1", ["result = (x + 2)"]),
        ("arr(half × x)", ["result = (((2 * x) + 2) // 4)"]),
        ("arr(x / (x + 1))", ["_1 = (x + 1)", "result = (((2 * x) + _1) // (2 * _1))"]),
        ("arr(free(x / (x + 1)))", ["_1 = (x + 1)", "result = (((2 * (0)) + _1) // (2 * _1))"]),
        ("rate_of(free(x))", ["result = (0)"]),
    ],
)
def test_the_code_of_a_formula(formula: str, code: list[str]) -> None:
    """The code of a formula calculates each repeated expression only once."""
    free = [(Fraction(0), Fraction(0))]
    compiler = Compiler({"half": Fraction(1, 2)}, {"free": free}, {"x": 1}, arrays=False)
    compiler.define("result", formula)
    assert code == compiler.lines


def test_temporaries_are_numbered() -> None:
    """The temporaries of brackets have unique names and are numbered from 1."""
    scale = [(Fraction(0), Fraction(0)), (Fraction(5), Fraction(1, 10)), (Fraction(21, 2), Fraction(1, 5))]
    compiler = Compiler({}, {"scale": scale}, {"x": 1}, arrays=False)
    compiler.define("tax", "arr(scale(x))")
    compiler.define("rate", "rate_of(scale(x))")
    assert [
        "_1 = (2 * x)",
        "tax = (((2 * (max(0, _1 - 10) + max(0, _1 - 21))) + 20) // 40)",
        "_2 = (2 * x)",
        "rate = ((10 < _2) + (21 < _2))",
    ] == compiler.lines


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("x.real", r"not a formula: x\.real"),
        ("arr(x / (x + 1) + x)", r"a quotient of variables must be rounded with arr\(\.\.\.\)"),
    ],
)
def test_errors_show_the_expression(formula: str, words: str) -> None:
    """The error about a wrong formula quotes the expression, or states how to write the formula."""
    with pytest.raises(ValueError, match=f"^{words}$"):
        Compiler({}, {}, {"x": 1}, arrays=False).define("result", formula)

"""Compiler of tax formulas to exact integer arithmetic.

A formula can contain `+ - × /`, `min`, `max`, comparisons, conditional expressions (`a if condition else b`), and

- `arr(x)`, which rounds x to the nearest integer, and rounds halves up (CGI art. 1657, 1);
- `scale(x)`, which computes the progressive tax on x (the name of another scale calls that scale instead);
- `rate_of(scale(x))`, which returns the rate of the highest bracket that x reaches.

Every value is a fraction of two integers with a positive divisor, so no rounding errors of binary floats occur.
The generated code calculates with Python integers or with numpy arrays of 64-bit integers.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from .brackets import Scale, ScheduleError

OPERATORS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}


class Ratio(NamedTuple):
    """A fraction in generated code.

    `number` is the code of the numerator. `divisor` is an integer if it is constant, or else code.
    """

    number: str
    divisor: int | str


def multiply(code: str | int, factor: int | str) -> str:
    """Return the code of a product. Products of two constants, and products with 0 or 1, are simplified."""
    constants = [int(part) for part in (str(code), str(factor)) if part.isdigit()]
    if len(constants) == 2:
        return str(constants[0] * constants[1])
    if 0 in constants:
        return "0"
    if 1 in constants:
        return str(factor if str(code) == "1" else code)
    return f"({factor} * {code})"


def fold_constant(divisor: str) -> int | str:
    """If the divisor consists of digits, convert it to an integer. Otherwise return it unchanged."""
    return int(divisor) if divisor.isdigit() else divisor


def subtract(code: str, term: str) -> str:
    """Return the code of a difference. A term of 0 is omitted."""
    return code if term == "0" else f"{code} - {term}"


def reduce_product(factor: str, value: Ratio, divisor: str) -> Ratio | None:
    """Return the fraction `factor × value.number / divisor`, reduced by the common divisor of `factor` and `divisor`.

    Return None if `factor` or `divisor` is not constant.
    """
    if not (factor.isdigit() and divisor.isdigit()):
        return None
    common = gcd(int(factor), int(divisor))
    return Ratio(multiply(value.number, int(factor) // common), int(divisor) // common)


def parse_formula(formula: str) -> ast.expr:
    """Parse a formula to a Python expression."""
    return ast.parse(formula.replace("×", "*"), mode="eval").body


@dataclass
class Compiler:
    """Compiles formulas to lines of code that assign each result to a variable.

    Variables are integers. The value of a formula is its variable divided by the variable's entry in `divisors`. If
    `arrays` is set, the code calls `where` instead of using conditional expressions.
    """

    constants: Mapping[str, Fraction]
    scales: Mapping[str, Scale]
    divisors: dict[str, int]
    arrays: bool
    lines: list[str] = field(default_factory=list)
    _temporaries: int = 0

    def define(self, name: str, formula: str) -> None:
        """Add the code that assigns the result to `name`. Raises ScheduleError if a constant or scale is missing."""
        (value,) = self._unify([self.compile(parse_formula(formula))])
        self.lines.append(f"{name} = {value.number}")
        self.divisors[name] = int(value.divisor)

    def compile(self, node: ast.expr) -> Ratio:
        """Compile an expression to a fraction."""
        match node:
            case ast.Constant(int(number)):
                return Ratio(str(number), 1)
            case ast.Name(name):
                return self._compile_name(name)
            case ast.BinOp(left, operator, right):
                return self._compile_arithmetic(self.compile(left), operator, self.compile(right))
            case ast.IfExp(condition, body, orelse):
                first, second = self._unify([self.compile(body), self.compile(orelse)])
                form = "where({1}, {0}, {2})" if self.arrays else "({0} if {1} else {2})"
                return Ratio(
                    form.format(first.number, self._compile_condition(condition), second.number), first.divisor
                )
            case ast.Call(ast.Name(name), arguments):
                return self._compile_call(name, arguments)
        raise ValueError(f"not a formula: {ast.unparse(node)}")

    def _compile_call(self, name: str, arguments: Sequence[ast.expr]) -> Ratio:
        if name in ("min", "max"):
            values = self._unify([self.compile(argument) for argument in arguments])
            return Ratio(f"{name}({', '.join(value.number for value in values)})", values[0].divisor)
        (argument,) = arguments
        match name, argument:
            case "arr", _:
                return self._compile_round(self.compile(argument))
            case "rate_of", ast.Call(ast.Name(scale), [base]):
                return self._compile_rate(scale, self.compile(base))
        return self._compile_tax(name, self.compile(argument))

    def _compile_name(self, name: str) -> Ratio:
        if name in self.divisors:
            return Ratio(name, self.divisors[name])
        if name not in self.constants:
            raise ScheduleError(f"constants missing: {name}")
        return Ratio(str(self.constants[name].numerator), self.constants[name].denominator)

    def _compile_arithmetic(self, left: Ratio, operator: ast.operator, right: Ratio) -> Ratio:
        match operator:
            case ast.Mult():
                number, divisor = multiply(left.number, right.number), multiply(left.divisor, right.divisor)
                return reduce_product(left.number, right, divisor) or Ratio(number, fold_constant(divisor))
            case ast.Div():
                return Ratio(multiply(left.number, right.divisor), fold_constant(multiply(right.number, left.divisor)))
        left, right = self._unify([left, right])
        return Ratio(f"({left.number} {'+' if isinstance(operator, ast.Add) else '-'} {right.number})", left.divisor)

    def _compile_condition(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Compare):
            return self.compile(node).number
        left, right = self._unify([self.compile(node.left), self.compile(node.comparators[0])])
        return f"({left.number} {OPERATORS[type(node.ops[0])]} {right.number})"

    def _unify(self, values: Sequence[Ratio]) -> list[Ratio]:
        """Convert the values to a common constant divisor. Raises ValueError if a divisor is not constant."""
        divisors = [value.divisor for value in values if isinstance(value.divisor, int)]
        if len(divisors) < len(values):
            raise ValueError("a quotient of variables must be rounded with arr(...)")
        common = lcm(*divisors)
        return [Ratio(multiply(v.number, common // d), common) for v, d in zip(values, divisors, strict=True)]

    def _compile_round(self, value: Ratio) -> Ratio:
        if value.divisor == 1:
            return value
        divisor = self._assign(str(value.divisor))
        return Ratio(f"(({multiply(value.number, 2)} + {divisor}) // {multiply(divisor, 2)})", 1)

    def _compile_tax(self, name: str, value: Ratio) -> Ratio:
        """Compile a scale to a sum with one term for each bracket.

        A term is the amount above the bracket's lower limit, times the rate increase from the previous bracket.
        """
        unit, cents, steps = self._compute_rises(name)
        number, divisor = self._assign(multiply(value.number, cents)), self._assign(str(value.divisor))
        terms = [multiply(f"max(0, {subtract(number, multiply(divisor, above))})", rise) for above, rise in steps]
        return Ratio(f"({' + '.join(terms) or '0'})", fold_constant(multiply(divisor, unit * cents)))

    def _compile_rate(self, name: str, value: Ratio) -> Ratio:
        unit, cents, steps = self._compute_rises(name)
        number, divisor = self._assign(multiply(value.number, cents)), self._assign(str(value.divisor))
        terms = [multiply(f"({multiply(divisor, above)} < {number})", rise) for above, rise in steps]
        return Ratio(f"({' + '.join(terms) or '0'})", unit)

    def _compute_rises(self, name: str) -> tuple[int, int, list[tuple[int, int]]]:
        """Return the divisor of the rates, the divisor of the limits, and pairs of lower limit and rate increase."""
        if name not in self.scales:
            raise ScheduleError(f"brackets missing: {name}")
        scale = self.scales[name]
        unit = lcm(*(rate.denominator for _, rate in scale))
        cents = lcm(*(above.denominator for above, _ in scale))
        rates = [int(rate * unit) for _, rate in scale]
        rises = [rate - former for rate, former in zip(rates, [0, *rates], strict=False)]
        limits = [int(above * cents) for above, _ in scale]
        return unit, cents, [(limit, rise) for limit, rise in zip(limits, rises, strict=True) if rise]

    def _assign(self, code: str) -> str:
        """Return a name or digits unchanged. Assign other code to a temporary variable, and return its name."""
        if code.isidentifier() or code.isdigit():
            return code
        self._temporaries += 1
        self.lines.append(f"_{self._temporaries} = {code}")
        return f"_{self._temporaries}"

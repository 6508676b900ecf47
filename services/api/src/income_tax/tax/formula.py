"""Formulas of the law, compiled to exact integer arithmetic.

A formula is an expression of `+ - × /`, `min`, `max`, comparisons, `a if condition else b`, and

- `arr(x)`: the nearest whole number, one half up (CGI art. 1657, 1);
- `scale(x)`, or another scale by its name: the progressive tax on x, each bracket's rate on the part of x within it;
- `rate_of(scale(x))`: the rate of the last bracket that x reaches.

Every value is a fraction of two integers, the lower one positive, so no binary float decides a euro. The same code
calculates with Python's integers and with numpy's arrays of 64-bit integers.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from .brackets import Scale, ScheduleError
from .ratio import Ratio, known, less, reduced, times

OPERATORS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}


def parse(formula: str) -> ast.expr:
    """The expression that a formula writes."""
    return ast.parse(formula.replace("×", "*"), mode="eval").body


@dataclass
class Compiler:
    """Collects the lines of code that define one name after the other.

    `divisors` has, for each variable, the whole number that its integer is to be divided by. What stands for `a if
    condition else b` depends on whether the code is for arrays.
    """

    constants: Mapping[str, Fraction]
    scales: Mapping[str, Scale]
    divisors: dict[str, int]
    arrays: bool
    lines: list[str] = field(default_factory=list)
    _temporaries: int = 0

    def define(self, name: str, formula: str) -> None:
        """Add the code that gives `name` the value of the formula; ScheduleError names a figure that is missing."""
        (value,) = self._common([self.ratio(parse(formula))])
        self.lines.append(f"{name} = {value.number}")
        self.divisors[name] = int(value.divisor)

    def ratio(self, node: ast.expr) -> Ratio:
        """The value of an expression."""
        match node:
            case ast.Constant(int(number)):
                return Ratio(str(number), 1)
            case ast.Name(name):
                return self._name(name)
            case ast.BinOp(left, operator, right):
                return self._arithmetic(self.ratio(left), operator, self.ratio(right))
            case ast.IfExp(condition, body, orelse):
                first, second = self._common([self.ratio(body), self.ratio(orelse)])
                form = "where({1}, {0}, {2})" if self.arrays else "({0} if {1} else {2})"
                return Ratio(form.format(first.number, self._condition(condition), second.number), first.divisor)
            case ast.Call(ast.Name(name), arguments):
                return self._call(name, arguments)
        raise ValueError(f"not a formula: {ast.unparse(node)}")

    def _call(self, name: str, arguments: Sequence[ast.expr]) -> Ratio:
        if name in ("min", "max"):
            values = self._common([self.ratio(argument) for argument in arguments])
            return Ratio(f"{name}({', '.join(value.number for value in values)})", values[0].divisor)
        (argument,) = arguments
        match name, argument:
            case "arr", _:
                return self._round(self.ratio(argument))
            case "rate_of", ast.Call(ast.Name(scale), [base]):
                return self._rate(scale, self.ratio(base))
        return self._tax(name, self.ratio(argument))

    def _name(self, name: str) -> Ratio:
        if name in self.divisors:
            return Ratio(name, self.divisors[name])
        if name not in self.constants:
            raise ScheduleError(f"constants missing: {name}")
        return Ratio(str(self.constants[name].numerator), self.constants[name].denominator)

    def _arithmetic(self, left: Ratio, operator: ast.operator, right: Ratio) -> Ratio:
        match operator:
            case ast.Mult():
                number, divisor = times(left.number, right.number), times(left.divisor, right.divisor)
                return reduced(left.number, right, divisor) or Ratio(number, known(divisor))
            case ast.Div():
                return Ratio(times(left.number, right.divisor), known(times(right.number, left.divisor)))
        left, right = self._common([left, right])
        return Ratio(f"({left.number} {'+' if isinstance(operator, ast.Add) else '-'} {right.number})", left.divisor)

    def _condition(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Compare):
            return self.ratio(node).number
        left, right = self._common([self.ratio(node.left), self.ratio(node.comparators[0])])
        return f"({left.number} {OPERATORS[type(node.ops[0])]} {right.number})"

    def _common(self, values: Sequence[Ratio]) -> list[Ratio]:
        """The values over one known divisor."""
        divisors = [value.divisor for value in values if isinstance(value.divisor, int)]
        if len(divisors) < len(values):
            raise ValueError("a quotient of variables must be rounded first: arr(...)")
        common = lcm(*divisors)
        return [Ratio(times(v.number, common // d), common) for v, d in zip(values, divisors, strict=True)]

    def _round(self, value: Ratio) -> Ratio:
        if value.divisor == 1:
            return value
        divisor = self._temporary(str(value.divisor))
        return Ratio(f"(({times(value.number, 2)} + {divisor}) // {times(divisor, 2)})", 1)

    def _tax(self, name: str, value: Ratio) -> Ratio:
        """The sum over the brackets: what each one's rate is above the former's, times what exceeds its limit."""
        unit, cents, steps = self._rises(name)
        number, divisor = self._temporary(times(value.number, cents)), self._temporary(str(value.divisor))
        terms = [times(f"max(0, {less(number, times(divisor, above))})", rise) for above, rise in steps]
        return Ratio(f"({' + '.join(terms) or '0'})", known(times(divisor, unit * cents)))

    def _rate(self, name: str, value: Ratio) -> Ratio:
        unit, cents, steps = self._rises(name)
        number, divisor = self._temporary(times(value.number, cents)), self._temporary(str(value.divisor))
        terms = [times(f"({times(divisor, above)} < {number})", rise) for above, rise in steps]
        return Ratio(f"({' + '.join(terms) or '0'})", unit)

    def _rises(self, name: str) -> tuple[int, int, list[tuple[int, int]]]:
        """What rates and limits are divided by, and per bracket its limit and what its rate is above the former's."""
        if name not in self.scales:
            raise ScheduleError(f"brackets missing: {name}")
        scale = self.scales[name]
        unit = lcm(*(rate.denominator for _, rate in scale))
        cents = lcm(*(above.denominator for above, _ in scale))
        rates = [int(rate * unit) for _, rate in scale]
        rises = [rate - former for rate, former in zip(rates, [0, *rates], strict=False)]
        limits = [int(above * cents) for above, _ in scale]
        return unit, cents, [(limit, rise) for limit, rise in zip(limits, rises, strict=True) if rise]

    def _temporary(self, code: str) -> str:
        """A name for code that is used more than once."""
        if code.isidentifier() or code.isdigit():
            return code
        self._temporaries += 1
        self.lines.append(f"_{self._temporaries} = {code}")
        return f"_{self._temporaries}"

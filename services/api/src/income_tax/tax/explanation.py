"""The steps of an assessment in words and numbers."""

import ast
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .brackets import Scale
from .formula import parse
from .household import Household
from .law import Law
from .steps import INPUTS, Step


def explain(law: Law, household: Household, values: tuple[int, ...]) -> list[dict[str, Any]]:
    """Each step with its formula, the formula with its numbers, its result and its reference.

    `values` are the integers that `Law.values` gave for the household: what the assessment was made of.
    """
    known: dict[str, Fraction] = {name: Fraction(getattr(household, name)) for name in INPUTS} | dict(law.constants)
    told = []
    for step, value in zip(law.steps, values, strict=True):
        result = Fraction(value, law.divisors[step.name])
        if step.shown:
            told.append(describe(step, Writer(known, law.scales), result, law.articles))
        known[step.name] = result
    return told


def describe(step: Step, writer: "Writer", result: Fraction, articles: Mapping[str, str]) -> dict[str, Any]:
    """One step."""
    numbers = writer.write(step.formula)
    decided = list(dict.fromkeys(name for name in writer.used if name in articles)) or list(step.follows)
    return {
        "name": step.name,
        "fr": step.fr,
        "en": step.en,
        "formula": step.formula,
        "numbers": numbers,
        "result": int(result) if result.denominator == 1 else float(result),
        "unit": step.unit,
        "parameters": decided,
        "reference": "; ".join(dict.fromkeys(articles[name] for name in decided)),
    }


class Writer(ast.NodeTransformer):
    """Puts numbers in the place of names: of a choice, what was chosen; of a scale, the brackets that are reached.

    `used` has the names that decided: not those of what was not chosen.
    """

    def __init__(self, known: Mapping[str, Fraction], scales: Mapping[str, Scale]) -> None:
        self._known, self._scales = known, scales
        self.used: list[str] = []

    def write(self, formula: str) -> str:
        """The formula with its numbers."""
        return ast.unparse(self.visit(parse(formula))).replace("*", "×")

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The value of a name."""
        self.used.append(node.id)
        return ast.Name(decimal(self._known[node.id]))

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """What was chosen."""
        self.used += [name.id for name in ast.walk(node.test) if isinstance(name, ast.Name)]
        chosen: ast.expr = self.visit(node.body if self._value(node.test) else node.orelse)
        return chosen

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A scale as the sum over the brackets that its argument reaches; another function with its numbers."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "rate_of" and isinstance(node.args[0], ast.Call):
            inner = node.args[0]
            self.used += [inner.func.id] if isinstance(inner.func, ast.Name) else []
            return ast.Call(node.func, [ast.Call(inner.func, [self.visit(inner.args[0])], [])], [])
        self.used.append(name)
        if name not in self._scales:
            return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])
        return self._brackets(self._scales[name], node.args[0])

    def _brackets(self, scale: Scale, argument: ast.expr) -> ast.expr:
        base, text = self._value(argument), ast.unparse(self.visit(argument))
        parts = []
        for (above, rate), end in zip(scale, [*[limit for limit, _ in scale[1:]], None], strict=True):
            if base > above and rate:
                top = text if end is None or base <= end else decimal(end)
                parts.append(f"{decimal(rate)} * " + (f"({top} - {decimal(above)})" if above else f"({top})"))
        return ast.parse(" + ".join(parts) or "0", mode="eval").body

    def _value(self, node: ast.expr) -> Fraction:
        code = compile(ast.Expression(ast.fix_missing_locations(node)), "<formula>", "eval")
        value: Fraction = eval(code, {"__builtins__": {}}, dict(self._known))  # noqa: S307 - the formulas of steps.py
        return value


def decimal(value: Fraction) -> str:
    """A number in decimals."""
    return str(value.numerator) if value.denominator == 1 else repr(float(value))

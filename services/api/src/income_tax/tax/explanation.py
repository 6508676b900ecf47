"""Explanation of a tax assessment, with the formula, the numbers and the legal references of each step."""

import ast
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .brackets import Scale
from .compiled_law import Law
from .formula_compiler import parse_formula
from .formulas import INPUTS, Step
from .models import Household


def explain(law: Law, household: Household, values: tuple[int, ...]) -> list[dict[str, Any]]:
    """Describe each step that explanations show. A description includes formula, numbers, result and legal articles.

    `values` are the integers that `Law.compute_values` returned for the household.
    """
    known: dict[str, Fraction] = {name: Fraction(getattr(household, name)) for name in INPUTS} | dict(law.constants)
    described = []
    for step, value in zip(law.steps, values, strict=True):
        result = Fraction(value, law.divisors[step.name])
        if step.shown:
            described.append(describe_step(step, FormulaWriter(known, law.scales), result, law.articles))
        known[step.name] = result
    return described


def describe_step(step: Step, writer: "FormulaWriter", result: Fraction, articles: Mapping[str, str]) -> dict[str, Any]:
    """Return the description of one step."""
    numbers = writer.write(step.formula)
    deciding = list(dict.fromkeys(name for name in writer.used if name in articles)) or list(step.follows)
    return {
        "name": step.name,
        "fr": step.fr,
        "en": step.en,
        "formula": step.formula,
        "numbers": numbers,
        "result": int(result) if result.denominator == 1 else float(result),
        "unit": step.unit,
        "parameters": deciding,
        "reference": "; ".join(dict.fromkeys(articles[name] for name in deciding)),
    }


class FormulaWriter(ast.NodeTransformer):
    """Writes a formula with numbers instead of names.

    A conditional expression becomes its selected branch. A scale becomes a sum over the brackets that its argument
    reaches. `used` collects the names on which the result depends. Names in a branch that was not selected are omitted.
    """

    def __init__(self, known: Mapping[str, Fraction], scales: Mapping[str, Scale]) -> None:
        self._known, self._scales = known, scales
        self.used: list[str] = []

    def write(self, formula: str) -> str:
        """Return the formula with numbers instead of names."""
        return ast.unparse(self.visit(parse_formula(formula))).replace("*", "×")

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a name with its value."""
        self.used.append(node.id)
        return ast.Name(format_decimal(self._known[node.id]))

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Replace a conditional expression with its selected branch."""
        self.used += [name.id for name in ast.walk(node.test) if isinstance(name, ast.Name)]
        chosen: ast.expr = self.visit(node.body if self._evaluate(node.test) else node.orelse)
        return chosen

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Replace a scale with the sum over the brackets that its argument reaches. Keep calls of other functions."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "rate_of" and isinstance(node.args[0], ast.Call):
            inner = node.args[0]
            self.used += [inner.func.id] if isinstance(inner.func, ast.Name) else []
            return ast.Call(node.func, [ast.Call(inner.func, [self.visit(inner.args[0])], [])], [])
        self.used.append(name)
        if name not in self._scales:
            return ast.Call(node.func, [self.visit(argument) for argument in node.args], [])
        return self._write_brackets(self._scales[name], node.args[0])

    def _write_brackets(self, scale: Scale, argument: ast.expr) -> ast.expr:
        base, text = self._evaluate(argument), ast.unparse(self.visit(argument))
        parts = []
        for (above, rate), end in zip(scale, [*[limit for limit, _ in scale[1:]], None], strict=True):
            if base > above and rate:
                top = text if end is None or base <= end else format_decimal(end)
                parts.append(
                    f"{format_decimal(rate)} * " + (f"({top} - {format_decimal(above)})" if above else f"({top})")
                )
        return ast.parse(" + ".join(parts) or "0", mode="eval").body

    def _evaluate(self, node: ast.expr) -> Fraction:
        code = compile(ast.Expression(ast.fix_missing_locations(node)), "<formula>", "eval")
        value: Fraction = eval(code, {"__builtins__": {}}, dict(self._known))  # noqa: S307 - evaluates only formulas of formulas.py
        return value


def format_decimal(value: Fraction) -> str:
    """Format a whole number as an integer, and any other number with decimals."""
    return str(value.numerator) if value.denominator == 1 else repr(float(value))

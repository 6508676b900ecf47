"""Every small fault in a formula of the law changes the result of a case."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import chain
from typing import Any

import pytest

from income_tax.tax import compiled_law as module
from income_tax.tax.compiled_law import Law
from income_tax.tax.formula_compiler import parse_formula
from income_tax.tax.formulas import Step, select_steps
from income_tax.tax.models import Household
from tests.support import oracle
from tests.support.data import law_cases, schedules
from tests.unit.income_tax.tax.test_compiled_law import YEARS, household_of

SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Eq: (ast.Lt,),
}
CALLS = {"min": "max", "max": "min"}
STEPS = {step.name: step for year in (2018, 2024) for step in YEARS[year].steps}
SAME = {
    # `<` and `<=` give the same result: at the full limit the partial reduction is full, and at the end limit it is 0.
    "taxable_income <= reduction_full_limit",
    "taxable_income <= reduction_end_limit",
    # This maximum does not need its argument 0, because the tax with all shares is never below 0.
    "max(tax_all_shares, tax_adult_shares - cap)",
}
# The cases contain no households like these two. The first has a spouse with a capped deduction. The second has so many
# children that it owes only the surtax.
FURTHER = [Household(True, 2, 90_000, None, spouse_salary=200_000), Household(True, 99, 700_000)]


def faults_at(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield the possible faults in a node. A fault is the name of a field and a wrong value for this field."""
    match node:
        case ast.BinOp(op=operator):
            yield from (("op", other()) for other in SWAPS[type(operator)])
        case ast.Compare(ops=[operator]):
            yield from (("ops", [other()]) for other in SWAPS[type(operator)])
        case ast.Constant(int(number)):
            yield "value", number + 1
        case ast.Call(ast.Name(name), arguments) if name in CALLS:
            yield "func", ast.Name(CALLS[name])
            yield from (("args", arguments[:i] + arguments[i + 1 :]) for i in range(len(arguments)))
        case ast.IfExp(_, body, orelse):
            yield "body", orelse
            yield "orelse", body


def faults(formula: str) -> Iterator[str]:
    """Yield copies of the formula with one small fault each."""
    tree = parse_formula(formula)
    for node in list(ast.walk(tree)):
        for name, value in list(faults_at(node)):
            before = getattr(node, name)
            setattr(node, name, value)
            yield ast.unparse(tree)
            setattr(node, name, before)


FAULTS = [(name, fault) for name, step in STEPS.items() for fault in faults(step.formula)]


@cache
def cases() -> list[dict[str, Any]]:
    """Return the cases in an order in which cases of all years and kinds of households come early."""
    found = law_cases()
    return [case for first in range(37) for case in found[first::37]]


def is_noticed(fault: Law, right: Law) -> bool:
    """Return whether the faulty law and the right law give different results for at least one household."""
    of_year = (household_of(case) for case in cases() if case["income_year"] == right.year)
    return any(
        fault.compute_values(household) != right.compute_values(household) for household in chain(FURTHER, of_year)
    )


@pytest.mark.parametrize("year", YEARS)
def test_further_households(year: int) -> None:
    """The law and the oracle give the same results for the households in FURTHER."""
    for household in FURTHER:
        found = YEARS[year].assess(household)._asdict()
        wanted = oracle.owed(household, schedules().data["schedules"][str(year)])
        assert found == {name: wanted[name] for name in found}


@pytest.mark.parametrize(("name", "fault"), FAULTS, ids=[f"{name}-{fault}" for name, fault in FAULTS])
def test_a_fault_in_a_formula_is_detected(monkeypatch: pytest.MonkeyPatch, name: str, fault: str) -> None:
    """A fault in a formula makes the law invalid or changes a result, unless SAME lists the fault as harmless."""

    def faulty(parameters: Any) -> tuple[Step, ...]:
        return tuple(replace(step, formula=fault) if step.name == name else step for step in select_steps(parameters))

    monkeypatch.setattr(module, "select_steps", faulty)
    noticed = False
    for law in YEARS.values():
        if name not in {step.name for step in law.steps}:
            continue
        try:
            noticed = noticed or is_noticed(replace(law), law)
        except (ValueError, TypeError, ZeroDivisionError):
            noticed = True
    assert noticed is not any(same in fault for same in SAME)

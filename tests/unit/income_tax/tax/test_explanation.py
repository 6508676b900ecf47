"""In an explanation, the formula with names and the formula with numbers both give the step's result."""

import ast
import json
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given

from income_tax.tax.explanation import explain
from income_tax.tax.models import Household
from tests.support import oracle
from tests.support.budget import budget
from tests.support.data import law_cases, schedules
from tests.unit.income_tax.tax.test_compiled_law import YEARS, household_of, households

LARGEST = 8 * 1024  # bytes


def told(household: Household) -> list[dict[str, Any]]:
    """Return the explanation of a household."""
    law = YEARS[household.year or 0]
    return explain(law, household, law.compute_values(household))


class ExactNumbers(ast.NodeTransformer):
    """Transformer that replaces each decimal number with its exact fraction."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Replace 0.1 with `Fraction("0.1")`."""
        return ast.Call(ast.Name("Fraction", ast.Load()), [ast.Constant(str(node.value))], [])


def evaluated(formula: str, names: Mapping[str, Any]) -> Fraction:
    """Evaluate a formula of an explanation."""
    tree = ExactNumbers().visit(ast.parse(formula.replace("×", "*"), mode="eval"))
    code = compile(ast.fix_missing_locations(tree), formula, "eval")
    return Fraction(eval(code, {"__builtins__": {}, "Fraction": Fraction, "min": min, "max": max}, dict(names)))  # noqa: S307


def functions(figures: oracle.Figures) -> dict[str, Any]:
    """Return the functions that a formula can call."""
    scales = {n: lambda q, n=n: oracle.scale(figures, n, Fraction(q)) for n, f in figures.items() if "brackets" in f}
    return scales | {"arr": lambda x: floor(Fraction(x) + Fraction(1, 2))}


def rate_of(figures: oracle.Figures) -> dict[str, Any]:
    """Return functions for `rate_of(scale(q))`: `scale` returns q, and `rate_of` returns the rate at q."""
    rows = oracle.brackets(figures, "scale")
    return {"scale": Fraction, "rate_of": lambda q: max([Fraction(0), *(rate for low, _, rate in rows if q > low)])}


@given(households())
def test_each_formula_gives_its_step(household: Household) -> None:
    """Each formula gives its step's result from the inputs, the year's constants and the earlier steps."""
    figures = schedules().data["schedules"][str(household.year)]
    known: dict[str, Any] = {n: Fraction(Decimal(f["value"])) for n, f in figures.items() if "value" in f}
    known |= {n: Fraction(getattr(household, n)) for n in ("children", "salary", "spouse_salary")}
    known |= {"married": household.married, "single_parent": household.single_parent}
    known["reduction"] = Fraction(0)  # the value for laws that have no step `reduction`
    for step in told(household):
        calls = functions(figures) | (rate_of(figures) if step["name"] == "rate" else {})
        result = Fraction(Decimal(str(step["result"])))
        assert evaluated(step["formula"], known | calls) == result, step
        assert evaluated(step["numbers"], calls) == result, step
        known[step["name"]] = result


@given(households())
def test_steps_contain_the_values_of_the_result(household: Household) -> None:
    """The steps of an explanation contain the values of the result."""
    result = YEARS[household.year or 0].assess(household)._asdict()
    steps = {step["name"]: step["result"] for step in told(household)}
    shown = {name: value for name, value in result.items() if name in steps}
    assert shown == {name: steps[name] for name in shown}
    assert {"reduction"} >= result.keys() - steps.keys()


def test_the_cases_are_explained() -> None:
    """The explanations of the cases contain the décote, the reduction and both taxes before the cap."""
    for case in law_cases()[:: budget(7, 1)]:
        steps = {step["name"]: step["result"] for step in told(household_of(case))}
        found = [steps[name] for name in ("discount", "tax_all_shares", "tax_adult_shares", "tax")]
        assert [case[name] for name in ("decote", "tax_all_shares", "tax_adult_shares", "tax")] == found
        assert case["reduction"] == steps.get("reduction", 0)


@pytest.mark.parametrize("year", YEARS)
def test_an_explanation_is_short_and_has_references(year: int) -> None:
    """Each step has labels, a unit and an article of law. An explanation is smaller than 8 KB."""
    for household in (Household(False, 0, 0, year), Household(False, 1, 20_000, year, single_parent=True)):
        assert [] == [step["name"] for step in told(household) if not step["reference"].startswith("CGI art. ")]
    steps = told(Household(True, 5, 800_000, year, spouse_salary=900_000))
    assert [] == [s["name"] for s in steps if not all(s[part] for part in ("fr", "en", "unit", "formula", "numbers"))]
    assert [] == [step["name"] for step in steps if not step["reference"].startswith("CGI art. ")]
    assert LARGEST > len(json.dumps(steps, ensure_ascii=False).encode())


def said(household: Household, step: str) -> dict[str, Any]:
    """Return a step of a household's explanation."""
    return next(one for one in told(household) if one["name"] == step)


def reference(household: Household, step: str) -> str:
    """Return the articles of law that a step of a household's explanation cites."""
    return str(said(household, step)["reference"])


def test_steps_list_only_deciding_parameters() -> None:
    """A step lists the parameters of its selected branch, and no parameters of the other branches."""
    couple, alone = Household(True, 2, 90_000, 2024), Household(False, 2, 90_000, 2024, single_parent=True)
    assert ["cap_half_share"] == said(couple, "cap")["parameters"]
    assert ["cap_single_parent_first_child", "cap_half_share"] == said(alone, "cap")["parameters"]
    assert ["decote_couple", "decote_rate"] == said(couple, "discount")["parameters"]
    assert ["decote_single", "decote_rate"] == said(alone, "discount")["parameters"]
    assert ["deduction_rate"] == said(alone, "taxable_income")["parameters"]


@pytest.mark.parametrize("year", YEARS)
def test_listed_parameters_are_in_the_schedule(year: int) -> None:
    """Each step lists parameters of its year's schedule, and cites exactly the articles for these parameters."""
    data = schedules().data
    for household in (Household(True, 3, 90_000, year), Household(False, 1, 20_000, year, single_parent=True)):
        for step in told(household):
            assert step["parameters"]
            assert set(step["parameters"]) <= data["schedules"][str(year)].keys()
            articles = {data["parameters"][name]["article"] for name in step["parameters"]}
            assert articles == set(step["reference"].split("; "))


def test_only_deciding_articles_are_cited() -> None:
    """Each step cites only articles that apply to the household, such as those for couples or single parents."""
    couple, alone = Household(True, 2, 90_000, 2024), Household(False, 2, 90_000, 2024, single_parent=True)
    assert ["CGI art. 197, I, 2", "CGI art. 197, I, 2, 2nd paragraph; CGI art. 197, I, 2"] == [
        reference(household, "cap") for household in (couple, alone)
    ]
    assert [False, True] == ["194, II" in reference(household, "shares") for household in (couple, alone)]
    assert reference(couple, "collected").startswith("CGI art. ")


def test_numbers_of_a_step() -> None:
    """The formula with numbers contains only the brackets that the income reaches, and the selected branches."""
    steps = {step["name"]: step for step in told(Household(False, 0, 50_000, 2024))}
    assert "arr(1 × (0.11 × (29315 - 11497) + 0.3 × (45000 / 1 - 29315)))" == steps["tax_all_shares"]["numbers"]
    assert 6665 == steps["tax_all_shares"]["result"]
    assert "min(6665, max(0, arr(889 - 0.4525 × 6665)))" == steps["discount"]["numbers"]
    assert "CGI art. 197, I, 4, a" == steps["discount"]["reference"]

"""Calculation of one household, and the order of the fields in its result."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from income_tax.tax import simplified_v7_rules
from income_tax.tax.explanation import explain
from income_tax.tax.models import Assessment, DatedAssessment, Household
from income_tax.tax.schedule_parser import Schedules

# The fields of a result are the parameters of the household, followed by its assessment.
V7_FIELDS = ("married", "children", "salary", *Assessment._fields)
DATED_FIELDS = (
    "income_year",
    "married",
    "single_parent",
    "children",
    "salary",
    "spouse_salary",
    *DatedAssessment._fields,
)
YES_NO = ("no", "yes")


def calculate(household: Household, schedules: Schedules, explained: bool = False) -> Mapping[str, Any]:
    """Return a mapping from field to value for the result of one household. Amounts are whole euros.

    If `explained` is set, the result for an income year includes the calculation steps.
    """
    h = household
    if h.year is None:
        assessment = simplified_v7_rules.assess(h, schedules.v7)
        return dict(zip(V7_FIELDS, (YES_NO[h.married], h.children, h.salary, *assessment), strict=True))
    law = schedules.years[h.year]
    values = law.compute_values(h)
    dated = law.build_assessment(values)
    declared = (h.year, YES_NO[h.married], YES_NO[h.single_parent], h.children, h.salary, h.spouse_salary)
    result: dict[str, Any] = dict(zip(DATED_FIELDS, (*declared, *dated), strict=True))
    if law.notes:
        result["notes"] = [asdict(note) for note in law.notes]
    if explained:
        result["steps"] = explain(law, h, values)
    return result

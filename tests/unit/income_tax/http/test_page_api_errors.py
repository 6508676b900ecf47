"""The simulator's patterns match the service's error messages."""

import re
from typing import Any

import pytest

from income_tax.households.parameters_and_decoders import CALCULATION, JsonDecoder
from income_tax.households.validation import HouseholdSchema, ParameterError
from income_tax.http.pages.static_files import FILES
from income_tax.tax.models import MAX_SALARY

YEARS = range(2018, 2026)
ASKED = {"married": "no", "single_parent": "no", "year": 2024, "children": 1, "salary": 1, "spouse_salary": 0}
PATTERNS = dict(re.findall(r"^const ([A-Z_]+) = /(.+)/;$", FILES["api_errors.js"].decode(), re.MULTILINE))


def reject(**differences: Any) -> ParameterError:
    """Change these parameters of the simulator's household, and return the error. The value None omits a parameter."""
    household = {name: value for name, value in (ASKED | differences).items() if value is not None}
    with pytest.raises(ParameterError) as error:
        HouseholdSchema(CALCULATION, JsonDecoder()).parse(household.items(), YEARS)
    return error.value


@pytest.mark.parametrize(
    ("pattern", "differences", "found"),
    [
        ("NAMED", {"salary": "abc"}, ("salary",)),
        ("NAMED", {"childs": 2}, ("childs",)),
        ("MISSING", {"salary": None}, ()),
        ("CHILDLESS", {"single_parent": "yes", "children": 0}, ()),
        ("TWO_ADULTS", {"single_parent": "yes", "married": "yes"}, ()),
        ("SECOND_SALARY", {"spouse_salary": 5}, ()),
    ],
)
def test_errors(pattern: str, differences: dict[str, Any], found: tuple[str, ...]) -> None:
    """Each error matches its own pattern. It does not match the pattern of another specific error."""
    (error,) = reject(**differences).errors
    match = re.search(PATTERNS[pattern], error)
    assert match
    assert found == match.groups()
    others = {"MISSING", "CHILDLESS", "TWO_ADULTS", "SECOND_SALARY"} - {pattern}
    assert [] == [name for name in others if re.search(PATTERNS[name], error)]


@pytest.mark.parametrize(
    ("pattern", "differences", "found"),
    [
        ("RANGE", {"salary": "abc"}, ("0", str(MAX_SALARY))),
        ("RANGE", {"children": None}, ("0", "99")),
        ("YEARS", {"year": 2030}, (", ".join(map(str, YEARS)),)),
        ("WORD", {"married": "maybe"}, ()),
        ("WORD", {"single_parent": "perhaps"}, ()),
    ],
)
def test_hints(pattern: str, differences: dict[str, Any], found: tuple[str, ...]) -> None:
    """Each hint about expected values matches its own pattern, and not the pattern of another hint."""
    error = reject(**differences)
    name = re.search(PATTERNS["NAMED"], error.errors[0])
    (hint,) = [hint for hint in error.expected if name and hint.startswith(name[0])]
    match = re.search(PATTERNS[pattern], hint)
    assert match
    assert found == match.groups()
    assert [] == [other for other in {"RANGE", "YEARS", "WORD"} - {pattern} if re.search(PATTERNS[other], hint)]


def test_every_pattern_is_tested() -> None:
    """The tests above cover every pattern."""
    tested = {"NAMED", "MISSING", "CHILDLESS", "TWO_ADULTS", "SECOND_SALARY", "RANGE", "YEARS", "WORD"}
    assert tested == set(PATTERNS)

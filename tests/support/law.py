"""Convert test cases of the tax law to requests and expected results."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

# These fields of a case are not in a result. The last two fields are in an explanation.
NOT_ANSWERED = ("openfisca_tax", "tax_all_shares", "tax_adult_shares")


def asked(case: dict[str, Any]) -> dict[str, Any]:
    """Return the household of a case in the format of a JSON body."""
    names = {"income_year": "year"}
    fields = ("income_year", "married", "single_parent", "children", "salary", "spouse_salary")
    return {names.get(name, name): case[name] for name in fields if case.get(name) is not None}


def as_result(case: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the result of a case must contain."""
    wanted = {"discount" if name == "decote" else name: v for name, v in case.items() if name not in NOT_ANSWERED}
    return wanted | ({"spouse_salary": case["spouse_salary"] or 0} if "spouse_salary" in case else {})


def query_of(case: dict[str, Any]) -> str:
    """Return the target of a GET request for a case."""
    return "/?" + urlencode(asked(case))


def csv_of(cases: Sequence[dict[str, Any]]) -> str:
    """Return cases as a CSV file."""
    columns = ("year", "married", "single_parent", "children", "salary", "spouse_salary")
    rows = (",".join(str(asked(case).get(column, "")) for column in columns) for case in cases)
    return "\r\n".join([",".join(columns), *rows, ""])

"""OpenAPI schemas of request parameters, built from the tables that request validation uses."""

from collections.abc import Mapping, Sequence
from typing import Any

from income_tax.households.parameters_and_decoders import (
    CHILDREN,
    MARRIED,
    SINGLE_PARENT,
    SPOUSE_SALARY,
    YEAR,
    YES_NO,
    Parameter,
)
from income_tax.households.validation import ONLY_WITH_YEAR

Json = dict[str, Any]

DESCRIPTIONS = {
    "year": (
        "Income year, one year before the assessment. The tax law of the income year applies. "
        "Without a year, the rules `v7` apply."
    ),
    "married": "Whether the household is a couple that files a joint tax return. The couple is married or in a PACS.",
    "single_parent": "Whether one adult lives alone with children (*parent isolé*, CGI art. 194, II). Requires `year`.",
    "children": "Number of dependent children.",
    "salary": "Annual net taxable salary in whole euros, before the 10 % deduction.",
    "spouse_salary": "The spouse's annual net taxable salary in whole euros. For couples only. Requires `year`.",
    "explain": "Whether the response includes the steps of the calculation. Requires `year`.",
    "from": "Salary at the first point of the curve, in whole euros.",
    "to": "Upper limit of the salaries on the curve, in whole euros.",
    "step": "Difference between the salaries of two adjacent points, in whole euros.",
}
YES_NO_WORDS: Json = {"type": "string", "enum": list(YES_NO)}
YES = [word for word, is_true in YES_NO.items() if is_true]


def build_query_parameters(parameters: Sequence[Parameter], example: Mapping[str, Any]) -> Any:
    """Build the OpenAPI parameters of a query string. `example` maps names to example values."""
    return [
        {
            "name": parameter.english,
            "in": "query",
            "required": parameter.required,
            "description": describe(parameter),
            "schema": build_value_schema(parameter),
            **({"example": example[parameter.english]} if parameter.english in example else {}),
        }
        for parameter in parameters
    ]


def build_object_schema(parameters: Sequence[Parameter]) -> Json:
    """Build the JSON Schema (2020-12) of an object that has these members. The schema rejects contradictory values."""
    is_couple = {"properties": {MARRIED.english: {"enum": YES}}}
    is_single_parent = {"properties": {SINGLE_PARENT.english: {"enum": YES}}, "required": [SINGLE_PARENT.english]}
    has_spouse_salary = {
        "properties": {SPOUSE_SALARY.english: {"exclusiveMinimum": 0}},
        "required": [SPOUSE_SALARY.english],
    }
    has_child = {"properties": {CHILDREN.english: {"minimum": 1}}}
    return {
        "type": "object",
        "properties": {p.english: {"description": describe(p), **build_value_schema(p)} for p in parameters},
        "required": [p.english for p in parameters if p.required],
        "additionalProperties": False,
        "dependentRequired": {p.english: [YEAR.english] for p in ONLY_WITH_YEAR if p in parameters},
        "allOf": [
            {"if": is_single_parent, "then": {"not": is_couple, **has_child}},
            {"if": has_spouse_salary, "then": is_couple},
        ],
    }


def build_value_schema(parameter: Parameter) -> Json:
    """Build the JSON Schema (2020-12) of a parameter's values. The schema of an enumeration is a named component."""
    if parameter is YEAR:
        return {"$ref": "#/components/schemas/IncomeYear"}
    if parameter.maximum is None:
        return {"$ref": "#/components/schemas/YesNoWord"}
    return {"type": "integer", "minimum": parameter.minimum, "maximum": parameter.maximum}


def describe(parameter: Parameter) -> str:
    """Return the description of a parameter, followed by its French names."""
    names = " or ".join(f"`{name}`" for name in parameter.french)
    return f"{DESCRIPTIONS[parameter.english]} In French: {names}."

"""What the answers look like: JSON Schemas (2020-12) with the meaning and the unit of every member."""

from income_tax.households.parameters import SHOWN
from income_tax.households.serialization import DATED_FIELDS, V7_FIELDS

from .schema import FRACTION, OF_SERVICE, TEXT, VERSION, WHOLE, WORD, Json, array, members, ref

FIELDS: dict[str, Json] = {
    "income_year": {"type": "integer", "description": "Income year whose law was applied."},
    "married": {**WORD, "description": "As the request said."},
    "single_parent": {**WORD, "description": "As the request said; `no` when it said nothing."},
    "children": {**WHOLE, "description": "As the request said."},
    "salary": {**WHOLE, "description": "As the request said, in euros."},
    "spouse_salary": {**WHOLE, "description": "As the request said, in euros; 0 when it said nothing."},
    "taxable_income": {**WHOLE, "description": "Salaries less their deductions, in euros (CGI art. 83, 3)."},
    "shares": {"type": "number", "minimum": 1, "description": "Shares of the family quotient (CGI art. 194)."},
    "tax": {**WHOLE, "description": "Income tax after discount and reduction, in euros."},
    "surcharge": {**WHOLE, "description": "What the cap on the family quotient costs, in euros (CGI art. 197, I, 2)."},
    "rate": {**FRACTION, "description": "Rate of the last bracket reached; the tax per further euro may differ."},
    "discount": {**WHOLE, "description": "The *décote* taken off, in euros (CGI art. 197, I, 4)."},
    "reduction": {**WHOLE, "description": "The reduction for modest incomes, in euros (until the incomes of 2019)."},
    "cehr": {**WHOLE, "description": "Surtax on high incomes, beside the tax, in euros (CGI art. 223 sexies)."},
    "collected": {**WHOLE, "description": "What is to pay, in euros: tax and surtax, or 0 below the threshold."},
}
STEP = members(
    {
        "name": {**TEXT, "description": "Name of the step, which later formulas use."},
        "fr": {**TEXT, "description": "What it is, in French."},
        "en": {**TEXT, "description": "What it is, in English."},
        "formula": {**TEXT, "description": "`arr` rounds to the nearest euro, one half up; `scale` is the scale."},
        "numbers": {**TEXT, "description": "The formula with its numbers."},
        "result": {"type": "number", "description": "In the unit of the step: `EUR` is euros."},
        "unit": {**TEXT, "description": "`EUR`, `share`, `half-share`, or `1` for a fraction."},
        "parameters": array(TEXT, minItems=1, description="The schedule's figures that decided, by name."),
        "reference": {**TEXT, "description": "Where the law says it: their articles."},
    }
)
NOTE = members(
    {
        "code": {**TEXT, "description": "`CIMR` or `CDHR`."},
        "fr": {**TEXT, "description": "The note in French."},
        "en": {**TEXT, "description": "The note in English."},
    }
)
RULES = {name: FIELDS[name] for name in DATED_FIELDS} | {
    "notes": array(ref("Note"), minItems=1, description="What the result leaves out, where that could matter."),
    "steps": array(ref("Step"), minItems=1, description="The calculation, when `explain` asked for it."),
}
REFERENCE = members(
    {
        "title": {**TEXT, "description": "Name of the text."},
        "url": {"type": ["string", "null"], "description": "Where it can be read; null where that is not known."},
    }
)
BRACKET = members(
    {
        "above": {"type": "number", "description": "The bracket begins strictly above, in euros (`scale`: a share)."},
        "rate": {**FRACTION, "description": "Of the part of the income within the bracket, a fraction."},
        "constant": {"type": "number", "description": "Of the quick formula of the rules `v7`, in euros a share."},
    },
    optional=["constant"],
)
FIGURE = {
    "value": {"type": "number", "description": "The figure, in its unit: `EUR`, for one, is euros."},
    "brackets": array(BRACKET, minItems=1, description="A scale, in place of a single value."),
    "since": {"type": ["string", "null"], "description": "Since when it is law, a date (ISO 8601)."},
    "references": array(REFERENCE, description="Texts of law."),
}
DESCRIBED = {
    "unit": {**TEXT, "description": "Unit of the values."},
    "article": {**TEXT, "description": "Article of the Code général des impôts."},
    "fr": {**TEXT, "description": "The term of the law."},
    "en": {**TEXT, "description": "What it is, in English."},
}
ERROR = {
    "errors": array(TEXT, minItems=1, description=f"Sentences; values are cut at {SHOWN} characters."),
    "expected": array(TEXT, description="What would be right, naming the parameter."),
    "limit": {"type": "integer", "description": "The most households that are taken at once."},
    "request_id": {**TEXT, "description": "The request's id, as in `X-Request-ID`."},
}

SCHEMAS: dict[str, Json] = {
    "V7Result": members({name: FIELDS[name] for name in V7_FIELDS}, description="By the rules `v7`."),
    "DatedResult": members(RULES, optional=["notes", "steps"], description="By the law of an income year."),
    "Step": STEP,
    "Note": NOTE,
    "Result": members(
        {"result": {"anyOf": [ref("DatedResult"), ref("V7Result")], "description": "What the household owes."}}
    ),
    "Refused": members({"errors": ERROR["errors"], "expected": ERROR["expected"]}, description="A wrong household."),
    "Results": members(
        {
            "results": array(
                {"anyOf": [ref("Result"), ref("Refused")]}, minItems=1, description="In the order of the households."
            )
        }
    ),
    "Point": members(
        {
            "salary": {**WHOLE, "description": "Salary at this point, in euros."},
            "tax": {**WHOLE, "description": "Income tax, in euros."},
            "average_rate": {**FRACTION, "description": "Tax out of the salaries."},
            "marginal_rate": {"type": "number", "description": "Rise of the tax per euro of the next step."},
        }
    ),
    "Curve": members(
        {name: FIELDS[name] for name in ("income_year", "married", "single_parent", "children", "spouse_salary")}
        | {
            "from": {**WHOLE, "description": "Salary of the first point as the request said, in euros."},
            "to": {**WHOLE, "description": "Highest salary as the request said, in euros."},
            "step": {**WHOLE, "minimum": 1, "description": "Distance of two points as the request said, in euros."},
            "notes": array(ref("Note"), minItems=1, description="What the tax leaves out at some points at least."),
            "points": array(ref("Point"), minItems=1, description="By rising salary."),
        },
        optional=["income_year", "single_parent", "spouse_salary", "notes"],
    ),
    "Figure": members(FIGURE, optional=["value", "brackets"]),
    "DescribedFigure": members(DESCRIBED | FIGURE, optional=["value", "brackets"]),
    "Schedules": members(
        {
            "version": VERSION,
            "years": array({"type": "integer"}, description="Income years that there are."),
            "parameters": {
                "type": "object",
                "additionalProperties": members(DESCRIBED),
                "description": "What each figure is, by its name.",
            },
            "schedules": {
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": ref("Figure")},
                "description": "The figures by name, of each income year and of `v7`.",
            },
        }
    ),
    "Schedule": members(
        {
            "version": VERSION,
            "schedule": {**TEXT, "description": "Income year, or `v7`."},
            "parameters": {
                "type": "object",
                "additionalProperties": ref("DescribedFigure"),
                "description": "The figures by name.",
            },
        }
    ),
    "Live": members({"status": {"const": "alive", "description": "It answers."}, "version": OF_SERVICE}),
    "Ready": members(
        {
            "status": {"const": "ready", "description": "It can calculate."},
            "version": OF_SERVICE,
            "degraded": array(TEXT, description="What does not work although the service does; empty when all does."),
            "schedules": VERSION,
            "log_lines_lost": {**WHOLE, "description": "By this process, since it began."},
        }
    ),
    "Error": members(ERROR, optional=["expected", "limit"]),
}

"""The parser of JSON lines. Each line is a JSON object that describes one household."""

import re
from typing import Any

import orjson

from tax_common.tables.household_columns import normalize_name
from tax_common.tables.row_format import parse_values, quote

from .columns_and_values import COLUMNS, FIELDS, VOCABULARY, Taxpayer, build_taxpayer

STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
NO_JSON_NUMBER = re.compile(rb"\b(NaN|Infinity)\b")
SEVERAL_LINES = "the content has a JSON object over several lines: write each object on one line"
FLOATS_EXACT = 2**53  # a larger float can differ from the number in the line
TYPES: dict[type, str] = {list: "an array", dict: "an object"}


def parse_json_line(line: bytes, year: int | None) -> Taxpayer:
    """Parse a line and return its taxpayer. `year` applies if the line contains no year.

    Raises ValueError with a message that lists every wrong field.
    """
    found = parse_object(line)
    names = {name: normalize_name(name) for name in found}
    columns = {name: VOCABULARY.by_name.get(names[name]) for name in found}
    values = {column.name if (column := columns[name]) else name: value for name, value in found.items()}
    problems = list_problems(values)
    if len(values) < len(found) or (not problems and has_repeated_name(line, len(found))):
        problems.append("expected each field once, either in English or in French")
    if problems:
        raise ValueError("; ".join(problems))
    cells = ((VOCABULARY.by_name[name], convert_to_text(value)) for name, value in values.items())
    return build_taxpayer(parse_values(cells), year)


def parse_object(line: bytes) -> dict[str, Any]:
    """Parse a line into a JSON object. Raises ValueError."""
    wanted = f"expected a JSON object with {', '.join(FIELDS)}"
    try:
        found: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if constant := NO_JSON_NUMBER.search(STRINGS.sub(b"", line)):
            raise ValueError(f"{wanted}, found {constant[1].decode()}, which JSON does not have: write null") from None
        raise ValueError(f"{wanted}, found no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(wanted)
    return found


def list_problems(values: dict[str, Any]) -> list[str]:
    """Return a message for each unknown field, each missing field, and each value of a wrong type."""
    known = ", ".join(COLUMNS)
    problems = [f"field [{quote(name)}]: expected one of the names {known}" for name in values if name not in COLUMNS]
    problems += [f"field [{name}]: expected a value, found none" for name in FIELDS if name not in values]
    problems += [
        f"field [{quote(name)}]: expected a whole number or a text, found {found}"
        for name, value in values.items()
        if (found := describe_wrong_type(value))
    ]
    return problems


def describe_wrong_type(value: Any) -> str:
    """Describe a value that is neither a text nor a whole number nor null. Return "" for these values."""
    if type(value) is bool:
        return str(value).lower()
    if type(value) is not float:
        return TYPES.get(type(value), "")
    if abs(value) >= FLOATS_EXACT:
        return "a number that is too large"
    return "" if value.is_integer() else str(value)


def convert_to_text(value: Any) -> str:
    """Convert a value of a right type to text, without the blanks around it. Null is an empty text, and 2.0 is 2."""
    return "" if value is None else str(int(value) if type(value) is float else value).strip(" \t")


def has_repeated_name(line: bytes, names: int) -> bool:
    """Return True if a JSON object without nested objects repeats a name. `names` is the number of distinct names.

    The JSON parser keeps only the last value of a repeated name. Therefore, this function compares the number of colons
    outside strings with `names`.
    """
    return line.count(b":") > names and STRINGS.sub(b"", line).count(b":") > names

"""The parser of JSON lines. Each line is a JSON object that describes one household."""

import re
from typing import Any

import orjson

from tax_common.text_formatting import truncate_with_length

from .columns_and_values import ALIASES, COLUMNS, FIELDS, VALUE_SHOWN, Taxpayer, normalize_name, parse_values

STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')


def parse_json_line(line: bytes, year: int | None) -> Taxpayer:
    """Parse a line and return its taxpayer. `year` applies if the line contains no year.

    Raises ValueError with a message that lists every wrong field.
    """
    wanted = f"expected a JSON object with {', '.join(FIELDS)}"
    try:
        found: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError(wanted) from None
    if not isinstance(found, dict):
        raise ValueError(wanted)
    names = {name: normalize_name(name) for name in found}
    values = {ALIASES.get(names[name], names[name]): value for name, value in found.items()}
    problems = list_problems(values)
    if len(values) < len(found) or (not problems and has_repeated_name(line, len(found))):
        problems.append("expected each field once, either in English or in French")
    if problems:
        raise ValueError("; ".join(problems))
    texts = {name: "" if value is None else str(value) for name, value in values.items()}
    return parse_values(texts, year)


def list_problems(values: dict[str, Any]) -> list[str]:
    """Return a message for each unknown field, each missing field, and each value of a wrong type."""
    known, short = ", ".join(COLUMNS), {name: truncate_with_length(name, VALUE_SHOWN) for name in values}
    problems = [f"field [{short[name]}]: expected one of the names {known}" for name in values if name not in COLUMNS]
    problems += [f"field [{name}]: expected a value, found none" for name in FIELDS if name not in values]
    problems += [
        f"field [{short[name]}]: expected a number or a text, found {type(value).__name__}"
        for name, value in values.items()
        if type(value) not in (int, str, type(None))
    ]
    return problems


def has_repeated_name(line: bytes, names: int) -> bool:
    """Return True if a JSON object without nested objects repeats a name. `names` is the number of distinct names.

    The JSON parser keeps only the last value of a repeated name. Therefore, this function compares the number of colons
    outside strings with `names`.
    """
    return line.count(b":") > names and STRINGS.sub(b"", line).count(b":") > names

"""A line of JSON: one household, its fields by name."""

import re
from typing import Any

import orjson

from .cells import cut
from .line_format import ALIASES, COLUMNS, FIELDS, Taxpayer, composed, read_values

TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"')


def read_object(line: bytes, year: int | None) -> Taxpayer:
    """The taxpayer of a line, of `year` when it names none. Raises ValueError, which lists every wrong field."""
    wanted = f"expected a JSON object with {', '.join(FIELDS)}"
    try:
        found: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError(wanted) from None
    if not isinstance(found, dict):
        raise ValueError(wanted)
    names = {name: composed(name) for name in found}
    values = {ALIASES.get(names[name], names[name]): value for name, value in found.items()}
    known = ", ".join(COLUMNS)
    problems = [f"field [{cut(name)}]: expected one of {known}" for name in values if name not in COLUMNS]
    problems += [f"field [{name}]: expected a value, found none" for name in FIELDS if name not in values]
    problems += [
        f"field [{cut(name)}]: expected a number or a text, found {type(value).__name__}"
        for name, value in values.items()
        if type(value) not in (int, str, type(None))
    ]
    if len(values) < len(found) or (not problems and repeats_a_name(line, len(found))):
        problems.append("expected each field once, in English or in French")
    if problems:
        raise ValueError("; ".join(problems))
    texts = {name: "" if value is None else str(value) for name, value in values.items()}
    return read_values(texts, year)


def repeats_a_name(line: bytes, names: int) -> bool:
    """Whether an object of numbers and texts has more names than those: of the same ones the parser takes the last."""
    return line.count(b":") > names and TEXTS.sub(b"", line).count(b":") > names

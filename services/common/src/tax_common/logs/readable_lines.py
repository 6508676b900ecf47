"""Readable form and levels of the lines of all logs, for the tool that prints the logs."""

import json
import re
from typing import Any

from tax_common.text_formatting import escape_controls

from .log_lines import format_number

LEVELS = ("debug", "info", "warning", "error")
# The levels of warnings and errors in the logs of nginx, MySQL and PostgreSQL. A level follows the time in UTC.
FOREIGN_LEVEL = re.compile(
    r"[0-9/:.TZUC -]+(?:\[[0-9]+\] )?"
    r"(?:\[(?:(warn|Warning)|error|crit|alert|emerg|ERROR)\]|(?:(WARNING)|ERROR|FATAL|PANIC):)"
)
OMITTED = ("time", "service", "level", "event", "pid", "thread", "exception")  # the first four begin the readable form


def escape_line(line: str) -> str:
    """Escape all control characters of a line except tabs."""
    return "\t".join(map(escape_controls, line.split("\t")))


def parse_record(line: str) -> dict[str, Any] | None:
    """Return the fields of a line of the API, the client or nginx, or None if the line has another format."""
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and {"time", "service"} <= record.keys() else None


def rank_level(line: str) -> int:
    """Return the position of a line's level in LEVELS. A line without a level counts as info."""
    record = parse_record(line)
    if record is not None:
        return LEVELS.index(record["level"]) if record.get("level") in LEVELS else LEVELS.index("info")
    found = FOREIGN_LEVEL.match(line)
    return LEVELS.index("info" if not found else "warning" if any(found.groups()) else "error")


def format_value(value: Any) -> str:
    """Format the value of a field. Quote a text with blanks, unless it is JSON. Format fractions with six decimals."""
    if isinstance(value, str) and value and (value[0] in "{[" or not re.search(r'[\s"]', value)):
        return value
    return format_number(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def format_line(line: str) -> str:
    """Return the readable form of a line. Lines of other formats stay as they are."""
    record = parse_record(line)
    if record is None:
        return escape_line(line)
    if "event" not in record:
        names = ("time", "service", "status", "method", "uri", "duration", "request_id")
        *words, duration, request_id = (record.get(name, "") for name in names)
        seconds = f"{duration:.3f}" if isinstance(duration, float) else duration
        return escape_controls(" ".join(str(word) or "-" for word in (*words, seconds, "s", request_id)))
    head = (str(record.get(name, "-")) for name in ("time", "service", "level", "event"))
    fields = (f"{name}={format_value(value)}" for name, value in record.items() if name not in OMITTED)
    traceback = str(record.get("exception", "")).splitlines()
    return "\n    ".join(map(escape_controls, [" ".join([*head, *fields]), *traceback]))

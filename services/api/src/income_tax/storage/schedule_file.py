"""Strict validation of a file of tax data, which is the content of schedules.json or of a backup.

The parser of the schedules ignores unknown names, because the database of a newer service can contain them. In a file,
an unknown name is usually a misspelled name, so this module rejects it.
"""

import json
import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, NoReturn

from income_tax.tax.brackets import ScheduleError
from income_tax.tax.formulas import select_steps
from income_tax.tax.schedule_parser import Data, is_year, parse_schedules
from income_tax.tax.simplified_v7_rules import V7Schedule

TEXTS = {"unit": 32, "article": 255, "fr": 255, "en": 255}  # the lengths are those of db/init/schema.sql
# Unused names that the backups of earlier versions contain.
RETIRED = {"cdhr_rate", "cdhr_threshold_single", "cdhr_threshold_couple"}
V7_NAMES = {"scale", *V7Schedule.__dataclass_fields__}
BRACKET = ("upper_limit", "rate", "constant")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*")  # PostgreSQL cannot store a NUL, and UTF-8 no surrogate
NUMBER = re.compile(r"-?[0-9]{1,10}(\.[0-9]+)?")  # DECIMAL(14, 4) of schema.sql


def parse_file(content: str | bytes) -> Data:
    """Parse and validate a file of tax data.

    Raises ScheduleError for the first missing, unknown, duplicate or malformed value. The message names the value by
    its path, such as `schedules.2025.scale.brackets[1].rate`.
    """
    try:
        data: Data = json.loads(content, object_pairs_hook=build_object, parse_constant=reject_constant)
    except (ValueError, RecursionError) as error:  # invalid JSON, invalid UTF-8, or a ScheduleError
        raise ScheduleError(f"the tax data is not JSON: {error}") from error
    top = check_object("the tax data", data, ("parameters", "schedules"))
    check_parameters(check_object("parameters", top["parameters"]))
    for schedule, figures in check_object("schedules", top["schedules"]).items():
        if schedule != "v7" and not is_year(schedule):
            refuse(f"schedules.{schedule}", "a year of four digits or v7 as the name of a schedule", schedule)
        for name, figure in check_object(f"schedules.{schedule}", figures).items():
            path = f"schedules.{schedule}.{name}"
            if name not in top["parameters"]:
                refuse(path, "a name that `parameters` lists", name)
            check_figure(path, figure, is_v7=schedule == "v7")
    check_years(top["schedules"])
    parse_schedules(data)
    return data


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Check the names and the texts of the parameters."""
    for name, texts in parameters.items():
        if not NAME.fullmatch(name):
            refuse("a name in parameters", "at most 64 letters a-z, digits and _, first a letter", name)
        for field, text in check_object(f"parameters.{name}", texts, tuple(TEXTS)).items():
            check_text(f"parameters.{name}.{field}", text, TEXTS[field])


def check_years(schedules: Mapping[str, Any]) -> None:
    """Check that no year is missing between others, and that each schedule uses all of its figures."""
    years = [int(name) for name in schedules if is_year(name)]
    if missing := set(range(min(years, default=0), max(years, default=0))) - set(years):
        raise ScheduleError(f"schedules: missing: {', '.join(map(str, sorted(missing)))}")
    for name, figures in schedules.items():
        used = {word for step in select_steps(figures.keys()) for word in re.findall(r"\w+", step.formula)}
        if unused := figures.keys() - (used if is_year(name) else V7_NAMES) - RETIRED:
            names = ", ".join(sorted(unused))
            raise ScheduleError(f"schedules.{name}: no formula uses {names}; remove them, or add the missing values")


def build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of JSON. Raises ScheduleError if a name occurs twice."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ScheduleError(f"the name {json.dumps(name)} occurs twice in the same object; remove one of them")
    return dict(pairs)


def reject_constant(text: str) -> NoReturn:
    """Reject NaN, Infinity and -Infinity, which JSON does not contain."""
    raise ScheduleError(f"{text} is no JSON value")


def refuse(path: str, expected: str, found: Any) -> NoReturn:
    """Raise a ScheduleError about the value at a path."""
    raise ScheduleError(f"{path} is {json.dumps(found, ensure_ascii=False)[:80]}; expected {expected}")


def check_object(path: str, value: Any, names: Collection[str] | None = None) -> Mapping[str, Any]:
    """Return the value if it is an object with exactly these names, or with any names if `names` is None."""
    if not isinstance(value, dict):
        refuse(path, "an object", value)
    if names is not None:
        if missing := [name for name in names if name not in value]:
            raise ScheduleError(f"{path}: missing: {', '.join(missing)}")
        if unknown := [name for name in value if name not in names]:
            raise ScheduleError(f"{path}: unknown: {', '.join(unknown)}; expected {', '.join(names)}")
    return value


def check_text(path: str, value: Any, length: int) -> None:
    """Check that the value is a text that fits into its column of the database."""
    if not isinstance(value, str) or len(value) > length or not TEXT.fullmatch(value):
        refuse(path, f"a text of at most {length} characters, none of them a control character", value)


def check_figure(path: str, figure: Any, is_v7: bool) -> None:
    """Check a constant or a scale."""
    kind = "brackets" if isinstance(figure, dict) and "brackets" in figure else "value"
    check_object(path, figure, (kind, "since", "references"))
    if kind == "value":
        check_number(f"{path}.value", figure["value"])
    else:
        for place, row in enumerate(check_list(f"{path}.brackets", figure["brackets"])):
            where = f"{path}.brackets[{place}]"
            check_bracket(where, check_object(where, row, BRACKET), is_v7)
    check_date(f"{path}.since", figure["since"])
    for place, reference in enumerate(check_list(f"{path}.references", figure["references"])):
        where = f"{path}.references[{place}]"
        check_text(f"{where}.title", check_object(where, reference, ("title", "url"))["title"], 255)
        if reference["url"] is not None:
            check_text(f"{where}.url", reference["url"], 512)


def check_bracket(path: str, row: Mapping[str, Any], is_v7: bool) -> None:
    """Check a bracket of a scale. Each bracket of the rules `v7` needs a constant, and no other bracket has one."""
    check_number(f"{path}.rate", row["rate"])
    if row["upper_limit"] is not None:
        check_number(f"{path}.upper_limit", row["upper_limit"])
    if is_v7:
        check_number(f"{path}.constant", row["constant"])
    elif row["constant"] is not None:
        refuse(f"{path}.constant", "null, because only v7 uses constants", row["constant"])


def check_list(path: str, value: Any) -> list[Any]:
    """Return the value if it is a list."""
    return value if isinstance(value, list) else refuse(path, "a list", value)


def check_number(path: str, value: Any) -> None:
    """Check that the value is a decimal number in a string."""
    if not (isinstance(value, str) and NUMBER.fullmatch(value)):
        refuse(path, 'a number in quotes, such as "0.11"', value)


def check_date(path: str, value: Any) -> None:
    """Check that the value is null or a date."""
    try:
        if value is not None and date.fromisoformat(value).isoformat() != value:
            raise ValueError
    except (TypeError, ValueError):
        refuse(path, "a date such as 2025-01-01", value)

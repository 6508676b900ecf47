"""The results that answers carry, of one taxpayer or of many: checked, so that none is taken for another's."""

from collections.abc import Sequence
from itertools import product
from operator import itemgetter
from typing import Any

from tax_client.taxpayers.reader import Taxpayer, cut
from tax_common.text import escape_controls

from .responses import ADVICE, BODY_SHOWN, Answer, ApiError, content_of, shown

# The fields of a result, in their order: those of version 7, and those of the law of a year.
FIELDS = ("married", "children", "salary", "tax", "surcharge", "rate", "discount", "reduction")
DATED_FIELDS = (
    *("income_year", "married", "single_parent", "children", "salary", "spouse_salary", "taxable_income", "shares"),
    *("tax", "surcharge", "rate", "discount", "reduction", "cehr", "collected"),
)
NUMBERS = ("rate", "shares")
WORDS = ("married", "single_parent")

Fields = dict[str, Any]  # the fields of a result by name, and its notes where it has some


def read_fields(answer: Answer, taxpayer: Taxpayer) -> Fields:
    """The result of a taxpayer that an answer carries. Raises ApiError when it carries none, or another's."""
    found = content_of(answer)
    try:
        result = found["result"]
    except (KeyError, TypeError):
        wanted = 'expected {"response": {"result": {...}}}'
        raise ApiError("wrong shape", f"{wanted}, got [{shown(answer)}]: {ADVICE[404]}") from None
    return checked(result, taxpayer)


def read_many(answer: Answer, taxpayers: Sequence[Taxpayer]) -> list[Fields | ApiError]:
    """The result of each taxpayer that an answer carries, or why there is none.

    Raises ApiError when the answer is not about these taxpayers.
    """
    found = content_of(answer)
    results = found.get("results") if isinstance(found, dict) else None
    if not isinstance(results, list) or len(results) != len(taxpayers):
        wanted = f'expected {{"response": {{"results": [...]}}}} with {len(taxpayers)} results'
        raise ApiError("wrong shape", f"{wanted}, got [{shown(answer)}]: {ADVICE[404]}")
    return [one_of_many(result, taxpayer) for result, taxpayer in zip(results, taxpayers, strict=True)]


def one_of_many(found: Any, taxpayer: Taxpayer) -> Fields | ApiError:
    """The result of one taxpayer among many, or why there is none."""
    try:
        if "errors" in found:
            said = escape_controls(cut("; ".join(map(str, found["errors"])), BODY_SHOWN))
            return ApiError("refused", f"expected a result, the server said [{said}]: {ADVICE[400]}")
        return checked(found["result"], taxpayer)
    except ApiError as error:
        return error
    except (KeyError, TypeError):
        wanted = 'expected {"result": {...}} or {"errors": [...]}'
        return ApiError("wrong shape", f"{wanted}, got [{escape_controls(cut(str(found), BODY_SHOWN))}]: {ADVICE[404]}")


def checked(result: Any, taxpayer: Taxpayer) -> Fields:
    """The known fields of a result, and its notes.

    Raises ApiError when it lacks a field, or is that of another household than the one that was sent.
    """
    shape, sent = (V7, taxpayer[1:4]) if taxpayer.year is None else (DATED, dated_echo(taxpayer))
    try:
        values = shape.values(result)
    except (KeyError, TypeError, ValueError) as error:
        wanted, found = "expected a result with its fields", escape_controls(cut(str(result), BODY_SHOWN))
        raise ApiError("wrong shape", f"{wanted} ({error}), got [{found}]: {ADVICE[404]}") from None
    if values[: len(sent)] != sent:
        names, got = ", ".join(shape.names[: len(sent)]), values[: len(sent)]
        message = f"expected the result of ({names}) {sent}, got that of {got}"
        raise ApiError("wrong echo", f"{message}: report it, with the id")
    if tuple(result) == shape.names:  # nearly always
        return result  # type: ignore[no-any-return]
    notes = {"notes": result["notes"]} if "notes" in result else {}
    return dict(zip(shape.names, values, strict=True)) | notes


def dated_echo(taxpayer: Taxpayer) -> tuple[Any, ...]:
    """The first fields of the result by the law of a year; what was not given has its default."""
    _id, married, children, salary, year, single_parent, spouse_salary = taxpayer
    return year, married, single_parent or "no", children, salary, spouse_salary or 0


class Shape:
    """The fields of a result, in their order, and their types."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._values = itemgetter(*names)
        self._types = set(product(*(types_of(name) for name in names)))

    def values(self, result: Any) -> tuple[Any, ...]:
        """The values of the fields. Raises ValueError, KeyError or TypeError naming the one that is wrong."""
        values: tuple[Any, ...] = self._values(result)
        if tuple(map(type, values)) not in self._types:
            wrong = [name for name, value in zip(self.names, values, strict=True) if type(value) not in types_of(name)]
            kinds = " or ".join(kind.__name__ for kind in types_of(wrong[0]))
            raise ValueError(f"[{wrong[0]}] is not of type {kinds}")
        return values


def types_of(name: str) -> tuple[type, ...]:
    """The types that the value of a field may have: those that JSON is read as."""
    return (str,) if name in WORDS else (float, int) if name in NUMBERS else (int,)


V7, DATED = Shape(FIELDS), Shape(DATED_FIELDS)

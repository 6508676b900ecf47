"""Brackets and constants of a schedule as exact integers, and their validation.

Amounts (in euros) and rates are stored as integers, in ten-thousandths. All calculations use integer arithmetic to
avoid the rounding errors of binary floats.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

SCALE = 10_000

# The brackets of a progressive tax in ascending order. Each is a pair: an exclusive lower limit in euros, and a rate.
Scale = Sequence[tuple[Fraction, Fraction]]


class ScheduleError(ValueError):
    """The tax data is incomplete or invalid. The message names the missing or invalid value."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """A bracket, in ten-thousandths. `limit` is its upper limit, or None if the bracket has no upper limit."""

    limit: int | None
    rate: int
    constant: int


def scale_exactly(value: Decimal) -> int:
    """Return the value in ten-thousandths. Raises ScheduleError if the value has more than four decimals."""
    scaled = value * SCALE
    if scaled != scaled.to_integral_value():
        raise ScheduleError(f"{value} has more than four decimals")
    return int(scaled)


def check_brackets(brackets: Sequence[Bracket]) -> None:
    """Raise ScheduleError unless the limits are ascending and only the last bracket has no limit."""
    limits = [bracket.limit for bracket in brackets]
    bounded = [limit for limit in limits if limit is not None]
    if limits != [*bounded, None]:
        raise ScheduleError("the last bracket must have no limit, and all other brackets need a limit")
    if bounded != sorted(set(bounded)):
        raise ScheduleError("the limits of the brackets must be in ascending order")


S = TypeVar("S")


def build_schedule(kind: Callable[..., S], brackets: Sequence[Bracket], constants: Mapping[str, int]) -> S:
    """Build a schedule of the given dataclass. Raises ScheduleError if constants are missing or brackets are invalid.

    A constant for which the dataclass has no field is ignored. It belongs to a later version of the service.
    """
    check_brackets(brackets)
    wanted = {field.name for field in fields(kind) if field.name != "brackets"}  # type: ignore[arg-type]
    if missing := sorted(wanted - constants.keys()):
        raise ScheduleError(f"constants missing: {', '.join(missing)}")
    return kind(brackets=tuple(brackets), **{name: constants[name] for name in wanted})


def check_figures(constants: Mapping[str, Fraction], scales: Mapping[str, Scale]) -> None:
    """Raise ScheduleError if a rate is not from 0 to 1, an amount is negative, or values are not in ascending order."""
    for name, value in constants.items():
        if value < 0:
            raise ScheduleError(f"{name} is {float(value):g}; expected 0 or more")
        if name.endswith("_rate") and value > 1:
            raise ScheduleError(f"{name} is {float(value):g}; expected a fraction, such as 0.11 for 11 %")
    for name, scale in scales.items():
        rates = [rate for _, rate in scale]
        if scale[1:] and scale[1][0] <= 0:
            raise ScheduleError(f"{name}: a bracket's limit is {float(scale[1][0]):g}; expected more than 0")
        if rates != sorted(rates) or rates[0] < 0 or rates[-1] > 1:
            raise ScheduleError(f"{name}: the rates must be fractions in ascending order, such as 0.11 for 11 %")
    first, last = (constants.get(f"reduction_{end}_limit_per_adult") for end in ("full", "end"))
    if first is not None and last is not None and first >= last:
        raise ScheduleError("reduction_end_limit_per_adult must be above reduction_full_limit_per_adult")

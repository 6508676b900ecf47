"""The brackets and constants of a tax schedule as exact integers, and functions that build and validate schedules.

Each euro amount or rate is stored as an integer number of ten-thousandths. All calculations use integer arithmetic to
avoid the rounding errors of binary floats.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

SCALE = 10_000

# The brackets of a progressive tax in ascending order. A pair consists of an exclusive lower limit in euros and a rate.
Scale = Sequence[tuple[Fraction, Fraction]]


class ScheduleError(ValueError):
    """The tax data is incomplete or invalid. The message names the missing or invalid value."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """A tax bracket, with values in ten-thousandths. `limit` is the upper limit, or None if there is no upper limit."""

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
    """Raise ScheduleError if the limits are not ascending, the last bracket has a limit, or another has no limit."""
    limits = [bracket.limit for bracket in brackets]
    bounded = [limit for limit in limits if limit is not None]
    if limits != [*bounded, None]:
        raise ScheduleError("the last bracket must have no limit, and all other brackets need a limit")
    if bounded != sorted(set(bounded)):
        raise ScheduleError("the limits of the brackets must be in ascending order")


S = TypeVar("S")


def build_schedule(kind: Callable[..., S], brackets: Sequence[Bracket], constants: Mapping[str, int]) -> S:
    """Build an instance of the dataclass `kind`. Raises ScheduleError if a constant is missing or a bracket is invalid.

    A constant without a field in the dataclass is ignored, because it belongs to a later version of the service.
    """
    check_brackets(brackets)
    wanted = {field.name for field in fields(kind) if field.name != "brackets"}  # type: ignore[arg-type]
    if missing := sorted(wanted - constants.keys()):
        raise ScheduleError(f"constants missing: {', '.join(missing)}")
    return kind(brackets=tuple(brackets), **{name: constants[name] for name in wanted})


def check_figures(constants: Mapping[str, Fraction], scales: Mapping[str, Scale]) -> None:
    """Raise ScheduleError if a value is out of range, or if rates or limits are not in ascending order."""
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
    check_order(constants)


def check_order(constants: Mapping[str, Fraction]) -> None:
    """Raise ScheduleError if a lower limit is not below its upper limit."""
    full, end = "reduction_full_limit_per_adult", "reduction_end_limit_per_adult"
    if constants.get(full, -math.inf) >= constants.get(end, math.inf):
        raise ScheduleError("reduction_end_limit_per_adult must be above reduction_full_limit_per_adult")
    if constants.get("deduction_min", 0) > constants.get("deduction_max", math.inf):
        raise ScheduleError("deduction_min must not be above deduction_max")

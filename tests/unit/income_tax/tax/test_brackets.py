"""Incomplete tax data is rejected."""

from decimal import Decimal

import pytest

from income_tax.tax.brackets import Bracket, ScheduleError, build_schedule, check_brackets, scale_exactly
from income_tax.tax.simplified_v7_rules import V7Schedule

OPEN = Bracket(None, 4500, 0)


def test_four_decimals_are_kept() -> None:
    """A number with four decimals is scaled exactly to an integer."""
    assert 13_949_600 == scale_exactly(Decimal("1394.96"))


def test_a_fifth_decimal_is_rejected() -> None:
    """A fifth decimal causes an error and is not rounded."""
    with pytest.raises(ScheduleError, match="more than four decimals"):
        scale_exactly(Decimal("0.12345"))


@pytest.mark.parametrize(
    "brackets",
    [[], [Bracket(1, 0, 0)], [OPEN, OPEN], [OPEN, Bracket(1, 0, 0)], [Bracket(2, 0, 0), Bracket(1, 0, 0), OPEN]],
    ids=["none", "closed", "two open", "open first", "falling"],
)
def test_brackets_that_do_not_cover_all_incomes(brackets: list[Bracket]) -> None:
    """Brackets are rejected if their limits do not rise, or if the last bracket has an upper limit."""
    with pytest.raises(ScheduleError):
        check_brackets(brackets)


def test_missing_constants_are_named() -> None:
    """The error about a missing constant contains its name."""
    with pytest.raises(ScheduleError, match="constants missing: cap_half_share"):
        build_schedule(V7Schedule, [OPEN], {})


def test_unknown_constants_are_ignored() -> None:
    """An unknown constant of a later version is ignored."""
    constants = {name: 1 for name in V7Schedule.__dataclass_fields__ if name != "brackets"}
    assert build_schedule(V7Schedule, [OPEN], constants) == build_schedule(
        V7Schedule, [OPEN], constants | {"of_tomorrow": 1}
    )

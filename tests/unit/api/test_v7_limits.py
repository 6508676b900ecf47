"""The rules `v7` where one euro decides: they take the same side as the contract does."""

import pytest

from tests.unit.api.test_v7 import assessed, contract


@pytest.mark.parametrize(
    ("children", "salary"),
    [(1, 36_500), (1, 36_504), (1, 36_505), (2, 42_427), (2, 42_428)],
)
def test_where_the_cap_is_what_children_save(children: int, salary: int) -> None:
    """Where the tax is the same with the children's shares and by the cap, the rate is that without children."""
    found = assessed(False, children, salary)
    assert contract(False, children, salary) == found
    assert 0.3 == found[2]


@pytest.mark.parametrize("married", [False, True])
@pytest.mark.parametrize("children", [0, 1, 2, 3, 4])
def test_each_side_of_the_reduction_s_end(married: bool, children: int) -> None:
    """Up to the limit of a household there is a reduction, at it there is none, as the contract has it."""
    halves = children if children < 3 else 2 * children - 2
    limit = (42_074 if married else 21_037) + 3797 * halves
    salaries = range(limit * 10 // 9 - 2, limit * 10 // 9 + 4)
    assert [contract(married, children, salary) for salary in salaries] == [
        assessed(married, children, salary) for salary in salaries
    ]

"""Tests of the register of unique ids."""

from hypothesis import given
from hypothesis import strategies as st

from tax_client.taxpayers.unique_ids import UniqueIds


@given(
    st.lists(st.integers(0, 2**60) | st.integers(0, 50) | st.integers(0, 1000).map(lambda n: n << 40), max_size=3000)
)
def test_each_id_is_claimed_once(numbers: list[int]) -> None:
    """For any ids, `claim` returns the number of the first line that has the id."""
    ids, first = UniqueIds(), dict[int, int]()
    for line, number in enumerate(numbers, start=1):
        assert first.setdefault(number, line) == ids.claim(number, line)

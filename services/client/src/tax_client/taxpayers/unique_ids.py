"""Which line has which id, for millions of them."""

from array import array
from bisect import bisect_left

EMPTY = -1
MIX = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: spreads ids that follow a pattern (Knuth, vol. 3, 6.4)
MASK = 2**64 - 1


class Ids:
    """The first line of every id.

    Ids that rise, as most files have them, stand one after the other in flat arrays: 16 bytes each, found by
    bisection. The others are in a hash table, 32 to 64 bytes each, where a dict would take 130.
    """

    def __init__(self) -> None:
        self._highest = -1
        self._rising, self._lines = array("q"), array("q")
        self._others = Table()

    def claim(self, number: int, line: int) -> int:
        """The line that has this id (0 or more): `line` itself when none had it before."""
        if number > self._highest:
            self._highest = number
            self._rising.append(number)
            self._lines.append(line)
            return line
        place = bisect_left(self._rising, number)
        if self._rising[place] == number:
            return self._lines[place]
        return self._others.claim(number, line)


class Table:
    """A hash table from ids to lines in two flat arrays, at most half full."""

    def __init__(self) -> None:
        self._bits, self._count = 10, 0
        self._ids, self._lines = self._table()

    def claim(self, number: int, line: int) -> int:
        """The line that has this id: `line` itself when none had it before."""
        if 2 * self._count > len(self._ids):
            self._grow()
        place = self._place(number)
        if self._ids[place] != EMPTY:
            return self._lines[place]
        self._ids[place], self._lines[place] = number, line
        self._count += 1
        return line

    def _place(self, number: int) -> int:
        """Where the id is, or belongs: the first free slot from its own on."""
        ids, last = self._ids, len(self._ids) - 1
        place = (number * MIX & MASK) >> (64 - self._bits)
        while ids[place] != number and ids[place] != EMPTY:
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        ids, lines = self._ids, self._lines
        self._bits += 1
        self._ids, self._lines = self._table()
        for number, line in zip(ids, lines, strict=True):
            if number != EMPTY:
                place = self._place(number)
                self._ids[place], self._lines[place] = number, line

    def _table(self) -> tuple["array[int]", "array[int]"]:
        size = 2**self._bits
        return array("q", [EMPTY]) * size, array("q", [0]) * size

"""A compact map from each id of a file to the line where the id first occurs. A file can hold millions of ids."""

from array import array
from bisect import bisect_left

EMPTY = -1
MIX = 0x9E3779B97F4A7C15  # 2**64 / golden ratio; this factor distributes regular ids evenly (Knuth, vol. 3, 6.4)
MASK = 2**64 - 1


class UniqueIds:
    """Maps each id to the line where the id first occurs. Ids must not be negative.

    Two flat arrays hold each id that is higher than all earlier ids, and its line. In most files, the ids are in
    ascending order, so that the arrays hold all ids. An id takes 16 bytes in the arrays, and bisection finds the id. A
    hash table holds all other ids, and takes 32 to 64 bytes per id. A dict would take 130 bytes per id.
    """

    def __init__(self) -> None:
        self._highest = -1
        self._rising, self._lines = array("q"), array("q")
        self._others = HashTable()

    def claim(self, number: int, line: int) -> int:
        """Return the line where the id `number` first occurs. If the id is new, record and return `line`."""
        if number > self._highest:
            self._highest = number
            self._rising.append(number)
            self._lines.append(line)
            return line
        index = bisect_left(self._rising, number)
        if self._rising[index] == number:
            return self._lines[index]
        return self._others.claim(number, line)


class HashTable:
    """A hash table with open addressing that maps ids to lines. Its two flat arrays stay at most half full."""

    def __init__(self) -> None:
        self._bits, self._count = 10, 0
        self._ids, self._lines = self._allocate()

    def claim(self, number: int, line: int) -> int:
        """Return the line where the id `number` first occurs. If the id is new, record and return `line`."""
        if 2 * self._count > len(self._ids):
            self._grow()
        slot = self._find_slot(number)
        if self._ids[slot] != EMPTY:
            return self._lines[slot]
        self._ids[slot], self._lines[slot] = number, line
        self._count += 1
        return line

    def _find_slot(self, number: int) -> int:
        """Use linear probing to find the slot that holds an id. For a new id, return the free slot for the id."""
        ids, last = self._ids, len(self._ids) - 1
        slot = (number * MIX & MASK) >> (64 - self._bits)
        while ids[slot] != number and ids[slot] != EMPTY:
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        ids, lines = self._ids, self._lines
        self._bits += 1
        self._ids, self._lines = self._allocate()
        for number, line in zip(ids, lines, strict=True):
            if number != EMPTY:
                slot = self._find_slot(number)
                self._ids[slot], self._lines[slot] = number, line

    def _allocate(self) -> tuple["array[int]", "array[int]"]:
        size = 2**self._bits
        return array("q", [EMPTY]) * size, array("q", [0]) * size

"""Write taxpayers files of any size, with an invalid line after every 99 valid lines."""

import random
from collections.abc import Callable
from pathlib import Path

BAD_EVERY = 100  # every 100th line is invalid
BAD: list[Callable[[int], str]] = [
    lambda n: f"x{n},yes,2,50000",  # the id is not a number
    lambda n: f"{n - 1},yes,2,50000",  # the id repeats the previous line's id
    lambda n: f"{n},maybe,2,50000",
    lambda n: f"{n},no,100,50000",  # more children than the limit
    lambda n: f"{n},no,2,1000000000",  # a salary above the limit
    lambda n: f"{n},no,2",  # a missing field
    lambda n: f"{n},no,2,50000,7",  # an extra field
    lambda n: f"{n},no,2,50_000",
]


def write_taxpayers(path: Path, count: int, seed: int = 1) -> tuple[list[int], list[int]]:
    """Write a file of `count` lines. Return the ids of the valid lines and the line numbers of the invalid lines."""
    chance = random.Random(seed)
    good: list[int] = []
    bad: list[int] = []
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, count + 1):
            if number % BAD_EVERY == 0:
                bad.append(number)
                line = BAD[number // BAD_EVERY % len(BAD)](number)
            else:
                good.append(number)
                married, children = chance.choice(("yes", "no")), chance.randint(0, 6)
                line = f"{number},{married},{children},{chance.randint(0, 250_000)}"
            file.write(line + "\n")
    return good, bad

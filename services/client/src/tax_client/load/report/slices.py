"""The intervals of a run, as pictures over time draw them."""

from dataclasses import dataclass

from tax_client.load.run import Interval, Run

ENOUGH = 4  # points of a line


@dataclass(frozen=True, slots=True)
class Slice:
    """An interval of a run that is drawn: from when to when, in seconds, and what was counted."""

    begin: float
    end: float
    part: Interval

    @property
    def middle(self) -> float:
        """Its middle, in seconds."""
        return (self.begin + self.end) / 2

    @property
    def label(self) -> str:
        """When it is, in words."""
        return f"{self.begin:g} to {self.end:.4g} s"


def slices(run: Run) -> list[Slice]:
    """The intervals of a run; the last one as far as it got, where there are too few to do without it."""
    found = [
        Slice(number * run.interval, min((number + 1) * run.interval, max(run.elapsed, 1e-3)), part)
        for number, part in sorted(run.intervals.items())
        if number * run.interval < run.elapsed or not number
    ]
    whole = [one for one in found if one.end - one.begin > 0.99 * run.interval]
    return whole if len(whole) >= ENOUGH else found

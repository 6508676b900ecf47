"""From values to places on a picture: scales and their ticks."""

import math
from collections.abc import Callable
from dataclasses import dataclass

STEPS = (1, 2, 2.5, 5, 10)
WIDE = 25  # a span of more than so many times is easier to read on a logarithmic scale


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` on pixels from `start` to `end`; logarithmic ones are above 0."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies; what is out of the scale lies on its edge."""
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values that divide the scale."""
        if not self.logarithmic:
            step = round_up((self.high - self.low) / about)
            first = math.ceil(self.low / step)
            return [step * n for n in range(first, math.floor(self.high / step + 1e-9) + 1)]
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for parts in ((1, 2, 5), (1, 3), (1,)):
            found = [part * 10.0**decade for decade in decades for part in parts]
            shown = [value for value in found if self.low * 0.999 <= value <= self.high * 1.001]
            if len(shown) <= about + 2:
                break
        return shown


def upwards(highest: float, start: float, end: float) -> Scale:
    """A linear scale from 0 to a round value above the highest."""
    step = round_up(max(highest, 1e-9) / 4)
    return Scale(0, step * math.ceil(highest / step - 1e-9) if highest else 1, start, end)


def fitting(lowest: float, highest: float, start: float, end: float) -> Scale:
    """A scale for positive values: logarithmic when they differ much, else linear from 0."""
    if lowest <= 0 or highest / lowest < WIDE:
        return upwards(highest, start, end)
    return Scale(round_down_to_part(lowest), round_up(highest), start, end, logarithmic=True)


def round_up(value: float) -> float:
    """The next round value: 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in STEPS if step * power >= value * (1 - 1e-9))


def round_down_to_part(value: float) -> float:
    """The round value below: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-9))


def thousands(value: float) -> str:
    """A number in few characters: 1,500, 12k, 0.25."""
    if value >= 10_000:
        return f"{value / 1000:.4g}k"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def duration(milliseconds: float) -> str:
    """A time in the unit that suits it: 250 µs, 3.5 ms, 1.2 s."""
    units: list[tuple[float, float, str]] = [(1000, 1000, "s"), (1, 1, "ms"), (0, 0.001, "µs")]
    size, unit = next((size, unit) for least, size, unit in units if milliseconds >= least)
    return f"{milliseconds / size:.3g} {unit}" if milliseconds else "0"


Label = Callable[[float], str]

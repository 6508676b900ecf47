"""The tax law of one income year, compiled from formulas."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any

from .brackets import Scale, ScheduleError, check_figures
from .formula_compiler import Compiler
from .formulas import INPUTS, Step, select_steps
from .models import DatedAssessment, Household
from .result_notes import CIMR, Note

Evaluate = Callable[..., tuple[int, ...]]

# Results that are fractions. All other results must be whole euros.
FRACTIONS = ("shares", "rate")
# A law is calculated with arrays only if the common denominator of its constants is at most WIDEST. For each scale, the
# common denominator of the rates, times the common denominator of the limits, must also be at most WIDEST. All
# intermediate values then fit into 64 bits, because none exceeds WIDEST x 4 (two salaries, in half-shares) x 10**9
# euros x 2 (rounding) x 220 half-shares.
WIDEST = 10**6
LARGEST = 10**9  # euros; a law with a larger constant is not calculated with arrays


@dataclass(frozen=True, eq=False)
class Law:
    """The tax law of one income year. Constants and scales are exact. `articles` maps parameters to legal articles."""

    year: int
    constants: Mapping[str, Fraction]
    scales: Mapping[str, Scale]
    articles: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check and compile the law. Raises ScheduleError if a parameter is missing or invalid."""
        check_figures(self.constants, self.scales)
        _ = self.evaluate, self._picks  # compile now, so that no request waits for it
        for step in self.steps:
            if step.name in DatedAssessment._fields and step.name not in FRACTIONS and self.divisors[step.name] != 1:
                odd = [n for n, value in self.constants.items() if value.denominator > 1 and not n.endswith("_rate")]
                raise ScheduleError(
                    f"{step.name} is not in whole euros because of fractions in {', '.join(sorted(odd))}"
                )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The calculation steps, in the order of execution."""
        return select_steps({*self.constants, *self.scales})

    @cached_property
    def divisors(self) -> Mapping[str, int]:
        """The divisor of each step. A step's value is the integer that `evaluate` returns, divided by this divisor."""
        return self._compile(arrays=False)[1]

    @cached_property
    def evaluate(self) -> Evaluate:
        """The compiled function, which takes the values of INPUTS and returns the integers of all steps."""
        return self.build_function(arrays=False)

    def build_function(self, arrays: bool, **functions: Callable[..., Any]) -> Evaluate:
        """Compile the steps to a function of INPUTS. If `arrays` is set, pass element-wise `min`, `max` and `where`."""
        code, _ = self._compile(arrays)
        namespace: dict[str, Any] = dict(functions)
        exec(compile(code, f"<law of {self.year}>", "exec"), namespace)  # noqa: S102 - executes only formulas of formulas.py
        function: Evaluate = namespace["evaluate"]
        return function

    @property
    def fits_arrays(self) -> bool:
        """True if all intermediate values fit into 64 bits when the law is calculated with arrays."""
        units = (
            lcm(*(r.denominator for _, r in s)) * lcm(*(a.denominator for a, _ in s)) for s in self.scales.values()
        )
        others = lcm(*(value.denominator for value in self.constants.values()))
        return max(*units, others) <= WIDEST and max(self.constants.values()) <= LARGEST

    def assess(self, household: Household) -> DatedAssessment:
        """Calculate the assessment of a household."""
        return self.build_assessment(self.compute_values(household))

    def compute_values(self, household: Household) -> tuple[int, ...]:
        """Return an integer for each step. The value of a step is this integer divided by the step's divisor."""
        h = household
        return self.evaluate(h.married, h.single_parent, h.children, h.salary, h.spouse_salary)

    def build_assessment(self, values: tuple[int, ...]) -> DatedAssessment:
        """Build the assessment from the integers of all steps."""
        return DatedAssessment._make(values[i] if d is None else values[i] / d for i, d in self._picks)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes on all results of the income year."""
        return (CIMR,) if self.year == 2018 else ()

    @cached_property
    def _picks(self) -> list[tuple[int, int | None]]:
        places = {step.name: place for place, step in enumerate(self.steps)}
        return [(places[n], self.divisors[n] if n in FRACTIONS else None) for n in DatedAssessment._fields]

    def _compile(self, arrays: bool) -> tuple[str, Mapping[str, int]]:
        compiler = Compiler(self.constants, self.scales, dict.fromkeys(INPUTS, 1), arrays)
        for step in self.steps:
            compiler.define(step.name, step.formula)
        names = ", ".join(step.name for step in self.steps)
        lines = [f"def evaluate({', '.join(INPUTS)}):", *compiler.lines, f"return {names}"]
        return "\n    ".join(lines), compiler.divisors

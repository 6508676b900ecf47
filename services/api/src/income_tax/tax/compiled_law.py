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
from .result_notes import CDHR, CIMR, Note

Evaluate = Callable[..., tuple[int, ...]]

# Results that are fractions. All other results must be whole euros.
FRACTIONS = ("shares", "rate")
# Maximum common denominator of the constants. For a scale, the common denominator of the rates is multiplied by that of
# the limits. Intermediate values of arrays then fit into 64 bits. They do not exceed WIDEST x 4 (two salaries, in
# half-shares) x 10**9 euros x 2 (rounding) x 220 half-shares.
WIDEST = 10**6
LARGEST = 10**9  # euros; laws with a larger constant are not calculated with arrays


@dataclass(frozen=True, eq=False)
class Law:
    """The law of an income year, with its exact constants and scales, and their legal articles."""

    year: int
    constants: Mapping[str, Fraction]
    scales: Mapping[str, Scale]
    articles: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check and compile the law. Raises ScheduleError if a parameter is missing or invalid."""
        check_figures(self.constants, self.scales)
        _ = self.evaluate, self._picks  # compile now, so that requests do not wait
        for step in self.steps:
            if step.name in DatedAssessment._fields and step.name not in FRACTIONS and self.divisors[step.name] != 1:
                odd = [n for n, value in self.constants.items() if value.denominator > 1 and not n.endswith("_rate")]
                raise ScheduleError(
                    f"{step.name} is not in whole euros because of fractions in {', '.join(sorted(odd))}"
                )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the calculation in order."""
        return select_steps({*self.constants, *self.scales})

    @cached_property
    def divisors(self) -> Mapping[str, int]:
        """The divisor of each step, by step name. The value of a step is its integer divided by its divisor."""
        return self._compile(arrays=False)[1]

    @cached_property
    def evaluate(self) -> Evaluate:
        """The compiled function, which takes the values of INPUTS and returns the integers of all steps."""
        return self.build_function(arrays=False)

    def build_function(self, arrays: bool, **functions: Callable[..., Any]) -> Evaluate:
        """Compile the steps to a function of INPUTS. For arrays, `functions` are numpy's `min`, `max` and `where`."""
        code, _ = self._compile(arrays)
        namespace: dict[str, Any] = dict(functions)
        exec(compile(code, f"<law of {self.year}>", "exec"), namespace)  # noqa: S102 - executes only formulas of formulas.py
        function: Evaluate = namespace["evaluate"]
        return function

    @property
    def fits_arrays(self) -> bool:
        """Whether all intermediate values of arrays fit into 64 bits."""
        units = (
            lcm(*(r.denominator for _, r in s)) * lcm(*(a.denominator for a, _ in s)) for s in self.scales.values()
        )
        others = lcm(*(value.denominator for value in self.constants.values()))
        return max(*units, others) <= WIDEST and max(self.constants.values()) <= LARGEST

    def assess(self, household: Household) -> DatedAssessment:
        """Calculate the assessment of a household."""
        return self.build_assessment(self.compute_values(household))

    def compute_values(self, household: Household) -> tuple[int, ...]:
        """Compute the integer of each step for a household. `divisors` explains these integers."""
        h = household
        return self.evaluate(h.married, h.single_parent, h.children, h.salary, h.spouse_salary)

    def build_assessment(self, values: tuple[int, ...]) -> DatedAssessment:
        """Build the assessment from the integers of all steps."""
        return DatedAssessment._make(values[i] if d is None else values[i] / d for i, d in self._picks)

    def select_notes(self, taxable_income: int, married: bool) -> tuple[Note, ...]:
        """Return the notes that apply to a result."""
        threshold = self.find_cdhr_threshold(married)
        return self.build_notes()[threshold is not None and taxable_income > threshold]

    def build_notes(self) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
        """Return the notes for results without the CDHR, and the notes for results where the CDHR may be due."""
        always = (CIMR,) if self.year == 2018 else ()
        return always, (*always, CDHR)

    def find_cdhr_threshold(self, married: bool) -> Fraction | None:
        """Return the taxable income above which the CDHR may be due, or None if the law has no CDHR."""
        return self.constants.get("cdhr_threshold_couple" if married else "cdhr_threshold_single")

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

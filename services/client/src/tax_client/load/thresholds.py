"""Thresholds. A threshold is a condition such as `p99>200ms` or `errors>0`, and a run fails if the condition holds."""

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .run_results import Run
from .run_verdict import list_failures
from .summary_and_comparison import NO_ANSWER

EXPECTED = (
    "expected a measurement, a comparison (>, >=, < or <=) and a limit: p50, p99.9, mean or max with a limit in us, ms "
    "or s (p99>200ms); errors, wrong, failed, unsent or retries with a number or a percentage (errors>0.1%); "
    "rate with answers per second (rate<1000)"
)
NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
FORM = re.compile(rf"(p\d{{1,2}}(?:\.\d{{1,3}})?|[a-z]+)\s*(>=|<=|>|<)\s*{NUMBER}\s*(us|ms|s|%|/s)?", re.ASCII | re.I)
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
COUNTS: dict[str, Callable[[Run], int]] = {
    "errors": lambda run: run.total.errors,
    "wrong": lambda run: run.total.wrong,
    "failed": lambda run: run.total.failed,
    "unsent": lambda run: run.total.unsent,
    "retries": lambda run: run.total.retries,
}
ERROR_KINDS = {"wrong", "failed", "unsent"}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A condition: its original text, a measurement (`figure`), a comparison, a limit, and the unit of the limit."""

    text: str
    figure: str
    comparison: str
    limit: float
    unit: str

    def is_met(self, run: Run) -> bool:
        """Return True if the condition holds, or if no answer supports the latency, rate or percentage in it."""
        value = self.compute_value(run)
        if math.isnan(value) or (self.figure == "rate" and not run.total.measured):
            return True
        return COMPARE[self.comparison](value, self.limit)

    def compute_value(self, run: Run) -> float:
        """Compute the measurement of a run in the unit of the limit. The value is NaN if no answer supports it."""
        if self.figure in COUNTS:
            count = COUNTS[self.figure](run)
            if self.unit != "%":
                return count
            return 100 * count / run.total.due if run.total.due else math.nan
        if self.figure == "rate":
            return run.rate
        latencies = run.total.latencies
        if self.figure in ("mean", "max"):
            milliseconds = latencies.mean if self.figure == "mean" else latencies.max
        else:
            (milliseconds,) = latencies.percentiles([float(self.figure[1:])])
        return milliseconds / MILLISECONDS[self.unit]

    def format_verdict(self, run: Run) -> str:
        """Format the threshold's line for the summary, with the verdict (passed or failed) and the measured value."""
        value = self.compute_value(run)
        shown = NO_ANSWER if math.isnan(value) else f"{value:.6g}{'' if self.unit == '/s' else self.unit}"
        return f"{self.text}: {'failed' if self.is_met(run) else 'passed'}, {shown}"


def has_failed(run: Run, thresholds: Sequence[Threshold]) -> bool:
    """Return True if the run failed.

    A run fails for each reason that `list_failures` returns, if the condition of a threshold holds, or if an error
    occurred that no threshold covers.
    """
    figures = {threshold.figure for threshold in thresholds}
    covered = run.total.errors if "errors" in figures else sum(COUNTS[kind](run) for kind in figures & ERROR_KINDS)
    return (
        bool(list_failures(run)) or run.total.errors > covered or any(threshold.is_met(run) for threshold in thresholds)
    )


def parse_threshold(text: str) -> Threshold:
    """Parse a threshold. Raises ValueError with a description of the expected form."""
    found = FORM.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{EXPECTED}, found [{text}]")
    figure, comparison, limit, unit = (part and part.lower() for part in found.groups())
    is_latency = figure in ("mean", "max") or (figure[0] == "p" and figure[1:2].isdigit() and float(figure[1:]) > 0)
    units = [*MILLISECONDS] if is_latency else [None, "%"] if figure in COUNTS else [None, "/s"]
    if not (is_latency or figure in COUNTS or figure == "rate") or unit not in units:
        raise ValueError(f"{EXPECTED}, found [{text}]")
    return Threshold(text.strip(), figure, comparison, float(limit), unit or "")

"""What a calculation says at its end, as plain text: the first results, what is missing and why, the counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tax_client.api.results import DATED_FIELDS, FIELDS
from tax_client.taxpayers.reader import BadLine
from tax_common.text import escape_controls

from .batches import Failure
from .checkpoint import Counts
from .formats import Row

ROWS_SHOWN, REASONS_SHOWN = 50, 10  # the files hold them all
DATED_SHOWN = tuple(name for name in DATED_FIELDS if name not in ("taxable_income", "shares", "surcharge", "cehr"))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, to the right, under their headers."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    lines = [headers, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


@dataclass(slots=True)
class Summary:
    """The counts so far, and the first of each kind."""

    counts: Counts = field(default_factory=Counts)
    results: list[Row] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    bad_lines: list[BadLine] = field(default_factory=list)

    def add(self, results: Sequence[Row], failures: Sequence[Failure], bad_lines: Sequence[BadLine]) -> None:
        """Count them, and keep the first ones of each kind."""
        self.counts += Counts(len(results), len(failures), len(bad_lines))
        self.results += results[: ROWS_SHOWN - len(self.results)]
        self.failures += failures[: REASONS_SHOWN - len(self.failures)]
        self.bad_lines += bad_lines[: REASONS_SHOWN - len(self.bad_lines)]

    def text(self) -> str:
        """All of it."""
        counts = self.counts
        missing = [f"taxpayer {failure.id}: {failure.reason}" for failure in self.failures]
        refused = [f"line {bad.line}: {bad.reason}" for bad in self.bad_lines]
        total = f"{counts.calculated} calculated, {counts.failed} not calculated, {counts.bad_lines} bad line(s)"
        parts = [
            with_rest(self._rows(), counts.calculated - len(self.results)),
            with_rest(missing, counts.failed - len(missing)),
            with_rest(refused, counts.bad_lines - len(refused)),
            [total],
        ]
        return "\n\n".join("\n".join(escape_controls(line) for line in part) for part in parts if part)

    def _rows(self) -> list[str]:
        """The table of the first results; the rate with two decimals."""
        if not self.results:
            return []
        names = DATED_SHOWN if any("income_year" in result for _, result in self.results) else FIELDS
        cells = [
            [str(number), *(f"{result[name]:.2f}" if name == "rate" else str(result.get(name, "")) for name in names)]
            for number, result in self.results
        ]
        return table(["id", *names], cells).splitlines()


def with_rest(lines: list[str], rest: int) -> list[str]:
    """The lines, and how many more there are."""
    return [*lines, f"... and {rest} more"] if lines and rest > 0 else lines

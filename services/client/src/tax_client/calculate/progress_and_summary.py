"""The progress line of a running calculation, and the summary at the end of the calculation."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO

from tax_client.api.responses import DATED_FIELDS, V7_FIELDS
from tax_client.console import layout_table
from tax_client.taxpayers.reader import BadLine, Position
from tax_common.text_formatting import escape_controls

from .batches import Failure, Problem, Row
from .checkpoint import Counts

TERMINAL_INTERVAL, PLAIN_INTERVAL = 0.2, 5.0  # seconds between two progress lines; a shorter run shows no line
ROWS_SHOWN, REASONS_SHOWN = 50, 10  # maximum numbers of results and reasons in the summary; the output files hold all
DATED_SHOWN = tuple(name for name in DATED_FIELDS if name not in ("taxable_income", "shares", "surcharge", "cehr"))


class Progress:
    """Shows the rate and remaining time of a run on a stream. On a terminal, each line overwrites the previous line.

    `size` is the input's size in bytes, or None for an unknown size. `measure` returns the number of bytes read and the
    number of taxpayers done so far. `clock` returns the time in seconds.
    """

    def __init__(
        self,
        stream: TextIO,
        size: int | None,
        measure: Callable[[], tuple[int, int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._size, self._measure, self._clock = stream, size, measure, clock
        self._is_terminal = stream.isatty()
        self.interval = TERMINAL_INTERVAL if self._is_terminal else PLAIN_INTERVAL
        self._first = measure()  # the values are not zero in a resumed run
        self._started = self._shown = clock()
        self._width = 0

    def show(self) -> None:
        """Show a new progress line if the previous line is at least `interval` seconds old."""
        now = self._clock()
        if now - self._shown < self.interval:
            return
        self._shown = now
        text = self._format_line(now - self._started)
        if not self._is_terminal:
            self._write(f"{text}\n")
            return
        text = text[: self._measure_width()]
        self._write(f"\r{text:<{self._width}}")
        self._width = len(text)

    def clear(self) -> None:
        """Clear the progress line on a terminal."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")

    def _format_line(self, seconds: float) -> str:
        (first, done_before), (offset, done) = self._first, self._measure()
        text = f"{done - done_before} taxpayers, {(done - done_before) / seconds:.0f}/s"
        if self._size is None or offset <= first:
            return text
        left = seconds * (self._size - offset) / (offset - first)
        return f"{text}, {100 * offset // self._size} % of the file, {left:.0f} s left"

    def _measure_width(self) -> int | None:
        """Return the number of characters that fit on a line of the terminal, or None if this number is unknown."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except OSError:  # the terminal was closed
            return None
        return columns - 1 if columns else None

    def _write(self, text: str) -> None:
        with suppress(OSError):  # ignore a closed terminal, so that the run continues
            self._stream.write(text)
            self._stream.flush()


@dataclass(slots=True)
class Summary:
    """The counts of outcomes so far, and the first results, failures and bad lines."""

    counts: Counts = field(default_factory=Counts)
    rows: list[Row] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    bad_lines: list[BadLine] = field(default_factory=list)

    def add(self, rows: Sequence[Row], problems: Sequence[Problem]) -> None:
        """Count the outcomes of a batch, and keep the first outcomes of each kind."""
        failures = [problem for problem in problems if isinstance(problem, Failure)]
        bad_lines = [problem for problem in problems if isinstance(problem, BadLine)]
        counts = self.counts
        self.counts = Counts(
            counts.calculated + len(rows), counts.failed + len(failures), counts.bad_lines + len(bad_lines)
        )
        self.rows += rows[: ROWS_SHOWN - len(self.rows)]
        self.failures += failures[: REASONS_SHOWN - len(self.failures)]
        self.bad_lines += bad_lines[: REASONS_SHOWN - len(self.bad_lines)]

    def format_text(self, position: Position) -> str:
        """Format the summary as text. Its last line accounts for each line before the position."""
        counts = self.counts
        failures = [f"taxpayer {failure.id}: {failure.reason}" for failure in self.failures]
        bad_lines = [f"line {bad.line}: {bad.reason}" for bad in self.bad_lines]
        total = f"{counts.calculated} calculated, {counts.failed} not calculated, {counts.bad_lines} bad line(s)"
        others = f"{position.headers} header(s), {position.comments} comment(s), {position.blanks} blank line(s)"
        parts = [
            append_rest(self._layout_rows(), counts.calculated - len(self.rows)),
            append_rest(failures, counts.failed - len(failures)),
            append_rest(bad_lines, counts.bad_lines - len(bad_lines)),
            [f"{total}, {others}: {position.line} line(s)"],
        ]
        return "\n\n".join("\n".join(escape_controls(line) for line in part) for part in parts if part)

    def _layout_rows(self) -> list[str]:
        """Lay out the first results as a table, in which rates have two decimals."""
        if not self.rows:
            return []
        names = DATED_SHOWN if any("income_year" in result for _, result in self.rows) else V7_FIELDS
        cells = [
            [str(number), *(f"{result[name]:.2f}" if name == "rate" else str(result.get(name, "")) for name in names)]
            for number, result in self.rows
        ]
        return layout_table([["id", *names], *cells], ruled=True)


def append_rest(lines: list[str], rest: int) -> list[str]:
    """If `rest` lines are not shown, append a line that states this number. An empty list stays empty."""
    return [*lines, f"... and {rest} more"] if lines and rest > 0 else lines

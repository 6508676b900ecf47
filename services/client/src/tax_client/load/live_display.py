"""The display of a run's progress on stderr. A terminal gets a live display, and other streams get lines."""

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tax_common.text_formatting import escape_controls

from .coordinator import RunRecorder
from .load_plan import Plan
from .outcome_counters import REPORT_INTERVAL
from .run_results import CLIENT_LIMIT, LIMIT_MESSAGE, Run
from .summary_and_comparison import format_latencies, format_milliseconds, format_rate

LINE_SECONDS, REDRAW_SECONDS = 2.0, 0.25  # seconds between two lines, and between two redraws of a terminal
KINDS_SHOWN = 5  # maximum number of kinds of errors on the display; the summary lists all kinds


class Display(Protocol):
    """Shows the progress of a run."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def refresh(self) -> None:
        """Show the current progress. The coordinator calls this method several times per second."""


class LineDisplay:
    """Prints a line every two seconds and at the end of the run. `clock` returns seconds."""

    def __init__(
        self, recorder: RunRecorder, plan: Plan, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._recorder, self._plan, self._stream, self._clock = recorder, plan, stream, clock
        self._next = clock() + LINE_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._print()

    def refresh(self) -> None:
        """Print a line if two seconds have passed since the last line."""
        if self._clock() >= self._next:
            self._next += LINE_SECONDS
            self._print()

    def _print(self) -> None:
        run = self._recorder.run
        total = run.total
        limit = f", {LIMIT_MESSAGE}" if self._recorder.current_load >= CLIENT_LIMIT else ""
        rate = f"{format_rate(run.rate, '.0f')}, " if has_average(run) else ""
        (p99,) = total.latencies.percentiles([99])
        done = format_progress(self._plan, self._recorder)
        failed = total.wrong + total.failed
        line = f"{done}, {rate}p99 {format_milliseconds(p99)}, {failed} wrong or failed{limit}"
        with suppress(OSError):  # the run continues if the stream is closed
            print(line, file=self._stream, flush=True)


class LiveDisplay:
    """Redraws the progress of the run on a terminal four times per second."""

    def __init__(self, recorder: RunRecorder, plan: Plan, stream: TextIO) -> None:
        self._recorder, self._plan = recorder, plan
        # Disable the automatic refresh, because rich's thread could draw counts during their update.
        self._live = Live(console=Console(file=stream), auto_refresh=False, transient=True)
        self._next = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def refresh(self) -> None:
        """Redraw the display if REDRAW_SECONDS have passed since the last redraw."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + REDRAW_SECONDS
            self._live.update(build_picture(self._recorder, self._plan), refresh=True)


def build_picture(recorder: RunRecorder, plan: Plan) -> Group:
    """Build the content of the live display: progress, throughput, latencies, errors and client load."""
    run = recorder.run
    total = run.total
    average = format_rate(run.rate, ",.0f") if has_average(run) else "not measured yet"
    figures = Table.grid(padding=(0, 2))
    figures.add_row("[bold]progress", ProgressBar(total=1.0, completed=compute_progress(plan, recorder), width=50))
    figures.add_row("[bold]throughput", f"{average} on average, {format_rate(recorder.current_rate, ',.0f')} now")
    figures.add_row("[bold]latency", format_latencies(total.latencies))
    figures.add_row("[bold]answers", f"{total.right:,} right, {total.wrong:,} wrong, {total.failed:,} failed")
    if total.retries:
        figures.add_row("[bold]retries", f"{total.retries:,}")
    for kind, count in total.failures.most_common(KINDS_SHOWN):
        figures.add_row("[bold red]error", Text(escape_controls(f"{count:,} {kind}")))
    if total.wrongs:
        wrong = total.wrongs[0]
        figures.add_row("[bold red]wrong", Text(escape_controls(f"request {wrong.request_id}: {wrong.difference}")))
    figures.add_row("[bold]client", f"{recorder.current_load:.0%} of {run.cores:g} core(s)")
    limit = [Text(LIMIT_MESSAGE, style="yellow")] if recorder.current_load >= CLIENT_LIMIT else []
    return Group(Text(format_progress(plan, recorder), style="bold"), figures, *limit)


def has_average(run: Run) -> bool:
    """Return whether requests were sent, and the measured time is so long that an average rate is no exaggeration."""
    return run.total.sent > 0 and run.measured_seconds >= REPORT_INTERVAL


def format_progress(plan: Plan, recorder: RunRecorder) -> str:
    """Format the progress in requests, or in seconds if the plan does not limit the number of requests."""
    run = recorder.run
    if plan.requests is not None:
        return f"{run.total.done}/{plan.requests} requests ({100 * run.total.done // plan.requests} %)"
    return f"{min(run.elapsed, plan.length):.0f}/{plan.length:g} s, {run.total.done} requests"


def compute_progress(plan: Plan, recorder: RunRecorder) -> float:
    """Compute the progress from 0 to 1. It is the share of the requests or of the time, whichever is higher."""
    run = recorder.run
    by_time = min(1.0, run.elapsed / plan.length)
    return max(by_time, run.total.done / plan.requests) if plan.requests else by_time


def build_display(stream: TextIO, recorder: RunRecorder, plan: Plan) -> Display:
    """Build a live display for a terminal, or a line display for any other stream."""
    return LiveDisplay(recorder, plan, stream) if stream.isatty() else LineDisplay(recorder, plan, stream)

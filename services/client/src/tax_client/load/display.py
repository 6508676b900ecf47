"""The progress of a flood on stderr: a live picture on a terminal, plain lines elsewhere."""

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

from tax_common.text import escape_controls

from .plan import Plan
from .run import LIMIT, NEARLY_ALL, Recorder

PLAIN_SECONDS, PICTURE_SECONDS = 2.0, 0.25  # between two lines, two pictures
KINDS_SHOWN = 5  # of errors: the summary has them all


class Display(Protocol):
    """What is shown of a run while it goes on."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def beat(self) -> None:
        """Show what has changed; called several times a second."""


class Lines:
    """A plain line every two seconds, and one at the end; `clock` gives seconds."""

    def __init__(
        self, recorder: Recorder, plan: Plan, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._recorder, self._plan, self._stream, self._clock = recorder, plan, stream, clock
        self._next = clock() + PLAIN_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._say()

    def beat(self) -> None:
        """Say a line when it is time."""
        if self._clock() >= self._next:
            self._next += PLAIN_SECONDS
            self._say()

    def _say(self) -> None:
        run = self._recorder.run
        total = run.total
        (p99,) = total.latencies.percentiles([99])
        bad = total.wrong + total.failed
        limit = f", {LIMIT}" if self._recorder.load_now >= NEARLY_ALL else ""
        done = progress(self._plan, self._recorder)
        line = f"{done}, {run.rate:.0f}/s, p99 {p99:.1f} ms, {bad} wrong or failed{limit}"
        with suppress(OSError):  # a closed terminal does not stop a flood
            print(line, file=self._stream, flush=True)


class Picture:
    """The run in a terminal, drawn again four times a second."""

    def __init__(self, recorder: Recorder, plan: Plan, stream: TextIO) -> None:
        self._recorder, self._plan = recorder, plan
        # The thread of rich would start while the picture is half updated: this one draws by itself.
        self._live = Live(console=Console(file=stream), auto_refresh=False, transient=True)
        self._next = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def beat(self) -> None:
        """Draw what has changed."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PICTURE_SECONDS
            self._live.update(picture(self._recorder, self._plan), refresh=True)


def picture(recorder: Recorder, plan: Plan) -> Group:
    """What the terminal shows: progress, speed, latencies, errors, the client's own load."""
    run = recorder.run
    total = run.total
    p50, p95, p99 = total.latencies.percentiles([50, 95, 99])
    figures = Table.grid(padding=(0, 2))
    figures.add_row("[bold]progress", ProgressBar(total=1.0, completed=share_done(plan, recorder), width=50))
    figures.add_row("[bold]throughput", f"{run.rate:,.0f}/s on average, {recorder.rate_now:,.0f}/s now")
    figures.add_row("[bold]latency", f"p50 {p50:.1f} ms   p95 {p95:.1f} ms   p99 {p99:.1f} ms")
    figures.add_row("[bold]answers", f"{total.right:,} right, {total.wrong:,} wrong, {total.failed:,} failed")
    if total.retries:
        figures.add_row("[bold]retries", f"{total.retries:,}")
    for kind, count in total.failures.most_common(KINDS_SHOWN):
        figures.add_row("[bold red]error", Text(escape_controls(f"{count:,} {kind}")))
    if total.wrongs:
        wrong = total.wrongs[0]
        figures.add_row("[bold red]wrong", Text(escape_controls(f"request {wrong.request_id}: {wrong.difference}")))
    figures.add_row("[bold]client", f"{recorder.load_now:.0%} of {run.cores:g} core(s)")
    limit = [Text(LIMIT, style="yellow")] if recorder.load_now >= NEARLY_ALL else []
    return Group(Text(progress(plan, recorder), style="bold"), figures, *limit)


def progress(plan: Plan, recorder: Recorder) -> str:
    """How far a run is."""
    run = recorder.run
    if plan.requests is not None:
        return f"{run.total.done}/{plan.requests} requests ({100 * run.total.done // plan.requests} %)"
    return f"{min(run.elapsed, plan.length):.0f}/{plan.length:g} s, {run.total.done} requests"


def share_done(plan: Plan, recorder: Recorder) -> float:
    """How far a run is, from 0 to 1: by its requests or by its time, whichever ends it first."""
    run = recorder.run
    by_time = min(1.0, run.elapsed / plan.length)
    return max(by_time, run.total.done / plan.requests) if plan.requests else by_time


def display_on(stream: TextIO, recorder: Recorder, plan: Plan) -> Display:
    """The picture where there is a terminal, else lines."""
    return Picture(recorder, plan, stream) if stream.isatty() else Lines(recorder, plan, stream)

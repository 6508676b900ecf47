"""The commands `flood`, `compare` and `merge`, from their options to their exit code."""

import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tax_client.api.credentials import read_credentials
from tax_client.errors import DONE, INCOMPLETE, SIGNALLED, UNUSABLE
from tax_client.runtime import SignalQueue, build_log, describe_lost_lines, open_log_file, redirect_signals
from tax_client.settings import Settings
from tax_common.text import escape_controls

from . import machine
from .comparison import comparison
from .coordinator import Processes
from .display import display_on
from .file_descriptors import raise_limit
from .merge import merge
from .plan import Plan
from .preparation import plan_of, told, workload_of
from .report_files import Drafts
from .report_reader import read_run
from .run import Recorder, Run
from .sender import Duty
from .summary import summary
from .target import Target
from .thresholds import Threshold, has_failed


def flood(options: Namespace, settings: Settings) -> int:
    """Flood the API and judge its answers; the exit code. Raises UserError before any request is sent."""
    plan = plan_of(options)
    target = Target(settings.url, read_credentials(settings.credentials_file), settings.timeout, settings.ca_file)
    workload = workload_of(options, settings)
    raise_limit()
    others = (options.workload, options.published, settings.credentials_file, settings.log_file)
    with Drafts(options, others) as drafts:
        log_file = open_log_file(settings)
        log = build_log(log_file, settings)
        run = run_of(plan, told(plan, options, settings, workload))
        say_each = plan.requests_known() <= settings.log_each_max
        log.info(
            "flood_start", requests=plan.requests, threads=plan.threads, processes=plan.processes, say_each=say_each
        )
        go(plan, Duty(target, workload, settings, say_each), run)
        total = run.total
        counts = {"sent": total.sent, "right": total.right, "wrong": total.wrong, "failed": total.failed}
        log.info("flood_end", **counts, unanswered=total.unanswered, seconds=round(run.elapsed, 3))
        if lost := total.lost + log_file.lost:
            run.remarks.append(describe_lost_lines(settings.log_file, lost))
        return conclude(run, options.fail_if, drafts)


def run_of(plan: Plan, settings: dict[str, Any]) -> Run:
    """The run of a plan that begins now, nothing counted yet."""
    run = Run(time.time(), settings, machine.describe(), min(plan.processes, machine.cores()), plan.duration)
    run.measured_from = plan.measured_from
    return run


def go(plan: Plan, duty: Duty, run: Run) -> None:
    """Let the processes of the plan send, and count in `run` what comes of it."""
    signals, recorder = SignalQueue(), Recorder(run)
    with redirect_signals(signals):
        processes = Processes(plan, duty)  # before anything here starts a thread
        try:
            with display_on(sys.stderr, recorder, plan) as display:
                run.interrupted_by = processes.run(recorder, display.beat, signals)
        finally:
            processes.kill()
    run.ended_badly = processes.ended_badly
    recorder.end(plan.requests, processes.stopped)


def conclude(run: Run, thresholds: Sequence[Threshold], drafts: Drafts) -> int:
    """Write the reports, then say the summary and the verdicts, which nobody may be there to hear; the exit code."""
    written, troubles = drafts.publish(run)
    for trouble in troubles:
        print(f"tax-client: {escape_controls(trouble)}", file=sys.stderr)
    print(summary(run))
    for threshold in thresholds:
        print(f"threshold   {threshold.verdict(run)}")
    for path in written:
        print(f"report      {path}")
    sys.stdout.flush()
    if run.interrupted_by:
        return SIGNALLED + run.interrupted_by
    if troubles:
        return UNUSABLE
    return INCOMPLETE if has_failed(run, thresholds) else DONE


def compare(options: Namespace, _settings: Settings) -> int:
    """Set two runs side by side; the exit code. Raises UserError when a report cannot be read."""
    paths: tuple[Path, Path] = options.first, options.second
    runs = [read_run(path) for path in paths]
    when = [datetime.fromtimestamp(run.started).astimezone().isoformat(" ", "seconds") for run in runs]
    names = tuple(f"{path}, {started}" for path, started in zip(paths, when, strict=True))
    print(comparison(runs[0], runs[1], (names[0], names[1])), flush=True)
    return DONE


def merge_reports(options: Namespace, _settings: Settings) -> int:
    """Make one run of several that went on at the same time; the exit code, as of a flood. Raises UserError."""
    with Drafts(options, options.reports) as drafts:
        merged = merge([read_run(path) for path in options.reports], options.clients)
        return conclude(merged, options.fail_if, drafts)

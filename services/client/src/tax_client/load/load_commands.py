"""The commands `flood`, `compare`, `merge` and `households`. Each function returns the exit code of its command."""

import os
import platform
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pycurl

from tax_client import __version__
from tax_client.api.credentials import read_credentials
from tax_client.client_log import build_log, describe_lost_lines, open_log_file
from tax_client.console import print_error
from tax_client.interruption import SIGNALLED, SignalQueue, redirect_signals
from tax_client.settings import Settings
from tax_client.taxpayers.input_source import open_input
from tax_client.taxpayers.reader import BadLine, Reader
from tax_client.user_errors import DONE, INCOMPLETE, UNUSABLE, UserError
from tax_common.text_formatting import escape_controls

from .coordinator import Coordinator, RunRecorder
from .curl_connection import Target, raise_descriptor_limit
from .live_display import build_display
from .load_plan import Plan, build_plan, count_cores
from .report_files import ReportFiles, read_report
from .run_results import Run, merge_runs
from .sender_process import SenderConfig
from .summary_and_comparison import compare_runs, summarize
from .thresholds import Threshold, has_failed
from .workload import Workload, load_workload


def flood(options: Namespace, settings: Settings) -> int:
    """Send the load, check the answers, and return the exit code. Raises UserError if an option or file is unusable."""
    plan = build_plan(options)
    target = Target(settings.url, read_credentials(settings.credentials_file), settings.timeout, settings.ca_file)
    workload = load_workload(options, settings)
    raise_descriptor_limit()
    inputs = (options.workload, options.published, settings.credentials_file, settings.log_file)
    with ReportFiles(options, inputs) as files:
        log_file = open_log_file(settings)
        log = build_log(log_file, settings)
        run = start_run(plan, summarize_settings(plan, options, settings, workload))
        log_each = plan.max_requests <= settings.log_each_max
        log.info(
            "flood_start", requests=plan.requests, threads=plan.threads, processes=plan.processes, say_each=log_each
        )
        send_load(plan, SenderConfig(target, workload, settings, log_each), run)
        total = run.total
        counts = {"sent": total.sent, "right": total.right, "wrong": total.wrong, "failed": total.failed}
        log.info("flood_end", **counts, unanswered=total.unanswered, seconds=round(run.elapsed, 3))
        if lost := total.lost + log_file.lost:
            run.remarks.append(describe_lost_lines(settings.log_file, lost))
        return conclude(run, options.fail_if, files)


def start_run(plan: Plan, settings: dict[str, Any]) -> Run:
    """Create the Run of a load test that begins now."""
    run = Run(time.time(), settings, describe_machine(), min(plan.processes, count_cores()), plan.duration)
    run.measured_from = plan.measured_from
    return run


def send_load(plan: Plan, config: SenderConfig, run: Run) -> None:
    """Run the senders of a plan, and record their reports in `run`."""
    signals, recorder = SignalQueue(), RunRecorder(run)
    with redirect_signals(signals):
        coordinator = Coordinator(plan, config)  # forks, so this line must run before this process starts a thread
        try:
            with build_display(sys.stderr, recorder, plan) as display:
                run.interrupted_by = coordinator.run(recorder, display.refresh, signals)
                run.ended_badly = coordinator.ended_badly
                recorder.finish(plan.requests, coordinator.stopped)  # before the last line of the display
        finally:
            coordinator.kill()


def conclude(run: Run, thresholds: Sequence[Threshold], files: ReportFiles) -> int:
    """Write the reports, then print the summary. Return the exit code.

    The reports come first, because printing fails if stdout is closed.
    """
    written, errors = files.write(run)
    for error in errors:
        print(f"tax-client: {escape_controls(error)}", file=sys.stderr)
    print(summarize(run))
    for threshold in thresholds:
        print(f"threshold   {threshold.format_verdict(run)}")
    for path in written:
        print(f"report      {path}")
    sys.stdout.flush()
    if run.interrupted_by:
        return SIGNALLED + run.interrupted_by
    if errors:
        return UNUSABLE
    return INCOMPLETE if has_failed(run, thresholds) else DONE


def compare(options: Namespace, _settings: Settings) -> int:
    """Print a comparison of two reports, and return the exit code. Raises UserError for an invalid report."""
    paths: tuple[Path, Path] = options.first, options.second
    first, second = (read_report(path) for path in paths)
    times = [datetime.fromtimestamp(run.started).astimezone().isoformat(" ", "seconds") for run in (first, second)]
    print(compare_runs(first, second, (f"{paths[0]}, {times[0]}", f"{paths[1]}, {times[1]}")), flush=True)
    return DONE


def merge(options: Namespace, _settings: Settings) -> int:
    """Merge the reports of several clients. Return an exit code, as `flood` does. Raises UserError for a bad report."""
    with ReportFiles(options, options.reports) as files:
        merged = merge_runs([read_report(path) for path in options.reports], options.clients)
        return conclude(merged, options.fail_if, files)


def households(options: Namespace, _settings: Settings) -> int:
    """Print the valid households of a file as JSON lines. Return the exit code. Raises UserError if none is valid."""
    path: Path = options.file
    written, skipped, first = 0, 0, ""
    with open_input(path) as source:
        for line in Reader(source.file, source.form):
            if isinstance(line, BadLine):
                skipped += 1
                first = first or f"; the first is line {line.line}: {line.reason}"
            else:
                print(orjson.dumps(line.to_dict()).decode())
                written += 1
    if not written:
        found = f"found no valid taxpayer and {skipped} bad line(s){first}"
        raise UserError(f"taxpayers file [{path}]: expected lines such as 1,yes,2,55555; {found}")
    if skipped:
        print_error(f"skipped {skipped} bad line(s){first}")
    return DONE


def summarize_settings(plan: Plan, options: Namespace, settings: Settings, workload: Workload) -> dict[str, Any]:
    """Return the settings of a run for its reports, without the password."""
    source: Path = options.workload or options.published or Path("published sample")
    return {
        "url": settings.url,
        "engine": "curl",  # reports of earlier versions name another engine
        "loop": f"open, {plan.rate:g} requests/s, {plan.arrivals} arrivals" if plan.rate else "closed",
        "requests": plan.requests,
        "duration s": plan.duration,
        "ramp-up s": plan.ramp_up,
        "warm-up s": plan.warm_up,
        "connections": plan.threads,
        "processes": plan.processes,
        "retries": plan.retries,
        "timeout s": settings.timeout,
        "workload": source.name.encode(errors="backslashreplace").decode(),  # some names are not UTF-8
        "different requests": len(workload),
        "households a request": workload.households,
    }


def describe_machine() -> dict[str, Any]:
    """Return the properties of the machine and the software versions that affect the measurements."""
    return {
        "processor": read_processor(),
        "cores of the client": count_cores(),
        "cores of the machine": os.cpu_count(),
        "memory MiB": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libcurl": pycurl.version_info()[1],
        "tax-client": __version__,
    }


def read_processor() -> str:
    """Return the model name of the processor, or its architecture if the system does not report the name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()

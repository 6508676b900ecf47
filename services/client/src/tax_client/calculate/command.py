"""The command `calculate`, from its options to its work."""

import gc
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tax_client.console import complain
from tax_client.errors import UserError
from tax_client.interruption import News, signals_into
from tax_client.paths import check_distinct
from tax_client.runtime import connect, log_of, opened_log_file
from tax_client.settings import Settings
from tax_client.taxpayers.reader import Reader

from .atomic_output import OutputFile, draft_of, remove
from .batches import Group, split
from .checkpoint import Checkpoint, place_of, read_checkpoint
from .conclusion import conclude, tell_lost, tell_refused
from .formats import form_of
from .input_source import STDIN, Source, opened
from .ordered_pool import Conveyor
from .progress import Pace
from .result_writer import Ledger
from .worker import Calculation

THREADS, BATCH_THREADS = 64, 4  # a batch keeps a worker of the server busy for a while


def calculate(options: Namespace, settings: Settings) -> int:
    """Calculate a taxpayers file; the exit code. Raises UserError before any request is sent."""
    path: Path = options.file or settings.data / "taxpayers.txt"
    check_files(options, settings, path)
    log_file = opened_log_file(settings)
    log = log_of(log_file, settings)
    with ExitStack() as opening:
        opening.callback(tell_lost, log_file)
        opening.enter_context(garbage_seldom_looked_for())
        api = opening.enter_context(connect(settings, log))
        source = opening.enter_context(opened(path))
        begun = beginning(options, source)
        results, errors = outputs_of(options, begun)
        opening.enter_context(results)
        opening.enter_context(errors)
        each = each_logged(source, settings.log_each_max)
        reader = Reader(source.file, source.form, options.year)
        reader.pass_over(begun.position)
        ledger = Ledger(results, errors, begun, source.size is not None, lambda: form_of(options.results, reader.dated))
        log.info("run_start", file=str(path), line=begun.position.line + 1)
        calculation = Calculation(api, log, in_batches=bool(options.batch), retries=options.retries)
        opening.callback(tell_refused, calculation, settings)
        signal = work(options, calculation, split(reader, options.batch, options.seed, each), ledger, source.size)
        return conclude(options, path, ledger, log, signal, calculation.refused)


def check_files(options: Namespace, settings: Settings, path: Path) -> None:
    """Raises UserError when two files are the same, or the name of the results tells no form."""
    form_of(options.results, dated=False)
    outputs = (options.results, options.errors)
    own = (*outputs, *map(draft_of, outputs), place_of(options.results))
    check_distinct(one for one in (path, settings.credentials_file, settings.log_file, *own) if one and one != STDIN)


def beginning(options: Namespace, source: Source) -> Checkpoint:
    """Where to begin: at the start, or where a run that was interrupted had come. Raises UserError."""
    if source.size is None:
        if options.resume:
            raise UserError(f"--resume: expected a plain file, [{source.path}] cannot be read again: give its name")
        return Checkpoint({})
    place = place_of(options.results)
    run = source.identity() | {"--year": options.year, "--errors": str(options.errors.resolve())}
    if options.resume:
        return read_checkpoint(place, run) or Checkpoint(run)
    if place.exists():
        remove("checkpoint", place)
        complain("an interrupted run is begun anew; --resume goes on with it")
    return Checkpoint(run)


def outputs_of(options: Namespace, begun: Checkpoint) -> tuple[OutputFile, OutputFile]:
    """Both outputs, to be opened: what was kept of each is looked at before one is touched. Raises UserError."""
    kept = (begun.results, begun.errors) if begun.position.offset else (None, None)
    return OutputFile(options.results, kept[0]), OutputFile(options.errors, kept[1])


@contextmanager
def garbage_seldom_looked_for() -> Iterator[None]:
    """While open, the collector of cycles runs less often: rows are many, and in no cycle. A fourth of the CPU."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def each_logged(source: Source, most: int) -> int:
    """How many taxpayers have log lines of their own: none of a plain file that has too many for that."""
    return most if source.size is None or not source.has_more_lines_than(most) else 0


def work(
    options: Namespace, calculation: Calculation, groups: Iterator[Group], ledger: Ledger, size: int | None
) -> int:
    """Calculate and write all groups; the number of the signal that interrupted (0: none)."""
    news, first = News(), ledger.summary.counts
    threads = options.max_threads or (BATCH_THREADS if options.batch else THREADS)
    pace = Pace(sys.stderr, size, ledger.position.offset)

    def show() -> None:
        counts = ledger.summary.counts
        pace.show(ledger.position.offset, counts.calculated + counts.failed - first.calculated - first.failed)

    conveyor = Conveyor(calculation.calculate, threads, news, calculation.stop, show, pace.interval)
    stopped = False
    with signals_into(news):
        for group in conveyor.run(groups):
            if (conveyor.signal or calculation.refused) and not stopped:
                stopped = True
                ledger.save(now=True)  # what comes now is calculated again when the run goes on
            ledger.write(group)
            if not stopped:
                ledger.save()
            show()
        if conveyor.signal:
            if not stopped:
                ledger.save(now=True)
            ledger.leave(groups, one_by_one=size is not None)
    pace.end()
    return conveyor.signal

"""The command `calculate`. It calculates the tax of each household in a taxpayers file."""

import gc
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tax_client.api.client import TaxApi
from tax_client.api.credentials import read_credentials
from tax_client.client_log import build_log, describe_lost_lines, open_log_file
from tax_client.console import print_error
from tax_client.interruption import SIGNALLED, SignalQueue, redirect_signals
from tax_client.settings import Settings
from tax_client.taxpayers.input_source import STDIN, InputSource, open_input
from tax_client.taxpayers.reader import Position, Reader
from tax_client.user_errors import DONE, INCOMPLETE, UNUSABLE, UserError, check_distinct_paths
from tax_common.logs import Log, LogFile

from .batches import Batch, BatchCalculator, split_into_batches
from .checkpoint import Checkpoint, Counts, locate_checkpoint, read_checkpoint
from .ordered_pool import OrderedPool
from .output_draft import OutputFile, locate_draft, remove_file
from .progress_and_summary import Progress
from .result_formats import choose_format
from .result_writer import ResultWriter

THREADS, BATCH_THREADS = 64, 4  # --batch uses few threads, because a batch keeps a server worker busy for long


def calculate(options: Namespace, settings: Settings) -> int:
    """Calculate the tax of all households and return the exit code. Raises UserError for unusable input or output."""
    path: Path = options.file or settings.data / "taxpayers.txt"
    check_files(options, settings, path)
    log_file = open_log_file(settings)
    log = build_log(log_file, settings)
    with ExitStack() as stack:
        stack.callback(report_lost_lines, log_file)
        stack.enter_context(relax_garbage_collection())
        credentials = read_credentials(settings.credentials_file)
        api = stack.enter_context(TaxApi(settings.url, credentials, settings.timeout, settings.ca_file, log))
        source = stack.enter_context(open_input(path))
        begun = choose_beginning(options, source)
        saved = (begun.results, begun.errors) if begun.position.offset else (None, None)
        # Construct both objects before entering the first. Constructing checks a file, and entering changes the file.
        drafts = OutputFile(options.results, saved[0]), OutputFile(options.errors, saved[1])
        results, errors = [stack.enter_context(draft) for draft in drafts]
        log_limit = count_logged(source, settings.log_each_max)
        is_csv = options.results.suffix.lower() == ".csv"
        reader = Reader(source.file, source.form, options.year, has_one_kind=is_csv)
        reader.skip_to(begun.position)
        is_plain = source.size is not None
        writer = ResultWriter(results, errors, begun, is_plain, lambda: choose_format(options.results, reader.is_dated))
        log.info("run_start", file=str(path), line=begun.position.line + 1)
        calculator = BatchCalculator(api, log, in_batches=bool(options.batch), retries=options.retries)
        stack.callback(report_unauthorized, calculator, settings.credentials_file)
        batches = split_into_batches(reader, options.batch, options.seed, log_limit)
        signal = run_batches(options, calculator, batches, writer, source.size)
        if not signal:
            writer.position = reader.position  # lines without a taxpayer can follow the last batch
        return conclude(options, path, writer, log, signal, calculator.retrier.unauthorized)


def check_files(options: Namespace, settings: Settings, path: Path) -> None:
    """Check that all paths name different files, and that the suffix of the results file is known. Raises UserError."""
    choose_format(options.results, is_dated=False)
    outputs = (options.results, options.errors)
    own = (*outputs, *map(locate_draft, outputs), locate_checkpoint(options.results))
    paths = (path, settings.credentials_file, settings.log_file, *own)
    check_distinct_paths(one for one in paths if one and one != STDIN)


def choose_beginning(options: Namespace, source: InputSource) -> Checkpoint:
    """With --resume, return the saved checkpoint if it exists. Otherwise, return a new checkpoint. Raises UserError."""
    if source.size is None:
        if options.resume:
            raise UserError(f"--resume: expected a regular file, but [{source.path}] cannot be read twice: name a file")
        return Checkpoint({})
    place = locate_checkpoint(options.results)
    run = source.compute_fingerprint() | {"--year": options.year, "--errors": str(options.errors.resolve())}
    if options.resume:
        return read_checkpoint(place, run) or Checkpoint(run)
    if place.exists():
        remove_file("checkpoint", place)
        print_error("an interrupted run starts again from the beginning; --resume would have continued that run")
    return Checkpoint(run)


@contextmanager
def relax_garbage_collection() -> Iterator[None]:
    """Collect garbage less often, because rows form no reference cycles. This saves a quarter of the CPU time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def count_logged(source: InputSource, limit: int) -> int:
    """Return how many taxpayers to log one by one. The number is 0 if a regular file has more than `limit` lines."""
    return limit if source.size is None or not source.has_more_lines_than(limit) else 0


def run_batches(
    options: Namespace, calculator: BatchCalculator, batches: Iterator[Batch], writer: ResultWriter, size: int | None
) -> int:
    """Calculate and write all batches. Return 0, or the number of the signal if a signal interrupted the run."""
    retrier, messages = calculator.retrier, SignalQueue()
    threads = options.max_threads or (BATCH_THREADS if options.batch else THREADS)

    def measure() -> tuple[int, int]:
        counts = writer.summary.counts
        return writer.position.offset, counts.calculated + counts.failed

    progress = Progress(sys.stderr, size, measure)
    pool = OrderedPool(calculator.calculate, threads, messages, retrier.stopped.set, progress.show, progress.interval)
    is_stopped = False
    with redirect_signals(messages):
        for batch in pool.run(batches):
            if (pool.signal or retrier.unauthorized) and not is_stopped:
                is_stopped = True
                writer.save(now=True)  # a resumed run calculates this batch and all later batches again
            writer.write(batch)
            progress.show()
            if not is_stopped:
                writer.save()
        if pool.signal:
            if not is_stopped:
                writer.save(now=True)
            writer.write_unread(batches, one_by_one=size is not None)
    progress.clear()
    return pool.signal


def conclude(options: Namespace, path: Path, writer: ResultWriter, log: Log, signal: int, unauthorized: bool) -> int:
    """Publish the files, print the summary, and return the exit code. Raises UserError if no taxpayer is valid."""
    counts = writer.summary.counts
    log.info("run_end", calculated=counts.calculated, failed=counts.failed, bad_lines=counts.bad_lines)
    if not (counts.calculated or counts.failed or signal):
        writer.publish_errors()
        remedy = f"see [{options.errors}]" if counts.bad_lines else "add lines of taxpayers"
        found = f"{describe_empty(writer.position, counts)}: {remedy}"
        raise UserError(f"taxpayers file [{path}]: expected lines such as 1,yes,2,55555; {found}")
    results, errors = str(options.results), list[UserError]()
    if counts.calculated:
        errors = writer.publish(whole=not (signal or unauthorized))
    else:
        writer.publish_errors()
        results = f"none, [{results}] is unchanged" if options.results.exists() else "none"
    try:
        print(writer.summary.format_text(writer.position))
        print(f"results: {results}\nerrors: {options.errors}", flush=True)
    finally:  # print errors even if standard output is closed
        if signal:
            print_error("interrupted: continue with --resume, or run the client again")
        for error in errors:
            print_error(str(error))
    if errors:
        return UNUSABLE
    return SIGNALLED + signal if signal else INCOMPLETE if counts.failed else DONE


def describe_empty(position: Position, counts: Counts) -> str:
    """Describe a file without a valid taxpayer."""
    if not position.line:
        return "found an empty file"
    if counts.bad_lines:
        return f"found no valid taxpayer and {counts.bad_lines} bad line(s)"
    headers, comments, blanks = position.headers, position.comments, position.blanks
    return f"found no taxpayer, but {headers} header(s), {comments} comment(s) and {blanks} blank line(s)"


def report_lost_lines(file: LogFile) -> None:
    """Print an error if lines are missing from the log."""
    if file.lost:
        print_error(describe_lost_lines(file.path, file.lost))


def report_unauthorized(calculator: BatchCalculator, path: Path | None) -> None:
    """Print an error if the service rejected the credentials."""
    if calculator.retrier.unauthorized:
        reason = "the service rejected these credentials, and the client stopped sending"
        remedy = "correct the file, then continue with --resume, or run the client again"
        print_error(f"credentials file [{path}]: {reason}: {remedy}")

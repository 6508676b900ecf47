"""The end of a calculation: its files in their places, its summary, its exit code, and what went wrong beside it."""

from argparse import Namespace
from pathlib import Path

from tax_client.client_log import Log, LogFile
from tax_client.console import complain
from tax_client.errors import UserError
from tax_client.exit_codes import DONE, INCOMPLETE, SIGNALLED, UNUSABLE
from tax_client.runtime import lost_lines
from tax_client.settings import Settings

from .result_writer import Ledger
from .worker import Calculation


def conclude(options: Namespace, path: Path, ledger: Ledger, log: Log, signal: int, refused: bool) -> int:
    """Put the files in their places and say what was done; the exit code. Raises UserError when there was nothing.

    `refused`: the service did not take the login.
    """
    counts = ledger.summary.counts
    log.info("run_end", calculated=counts.calculated, failed=counts.failed, bad_lines=counts.bad_lines)
    if not (counts.calculated or counts.failed or signal):
        ledger.publish_errors()
        found = f"no valid taxpayer, {counts.bad_lines} bad line(s), listed in [{options.errors}]"
        raise UserError(f"taxpayers file [{path}]: {found}: expected lines such as 1,yes,2,55555")
    results, troubles = str(options.results), list[UserError]()
    if refused and not (counts.calculated or signal):
        ledger.publish_errors()
        results = f"none, [{results}] is as it was"
    else:
        troubles = ledger.publish(whole=not (signal or refused))
    try:
        print(ledger.summary.text())
        print(f"results: {results}\nerrors: {options.errors}", flush=True)
    finally:  # also where there is nothing to print on
        if signal:
            complain("interrupted: go on with --resume, or run it again")
        for trouble in troubles:
            complain(str(trouble))
    if troubles:
        return UNUSABLE
    return SIGNALLED + signal if signal else INCOMPLETE if counts.failed else DONE


def tell_refused(calculation: Calculation, settings: Settings) -> None:
    """Say that the service did not take the login, if so."""
    if calculation.refused:
        what = f"credentials file [{settings.credentials_file}]"
        said = "the service refused its login, nothing more was sent"
        complain(f"{what}: {said}: correct it, then go on with --resume, or run it again")


def tell_lost(file: LogFile) -> None:
    """Say how many lines the log lacks, if any."""
    if file.lost:
        complain(lost_lines(file.path, file.lost))

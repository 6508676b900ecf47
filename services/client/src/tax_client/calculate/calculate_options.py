"""The command-line options of `calculate`."""

import argparse
from pathlib import Path

from tax_client.common_arguments import Parser, whole
from tax_client.taxpayers.columns_and_values import YEAR_MAX

from .calculate_command import BATCH_THREADS, THREADS, calculate


def add_calculate(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """Add the command `calculate` and its options."""
    about = "calculate the tax of each household in a taxpayers file (lines of id,married,children,salary)"
    codes = (
        "Exit code: 0 if all taxpayers were calculated, 1 if a taxpayer failed, 2 if input or output is unusable, "
        "130 if interrupted."
    )
    parser = subparsers.add_parser(
        "calculate", help=about, description=about.capitalize() + ".", epilog=codes, parents=parents, allow_abbrev=False
    )
    add = parser.add_argument
    source = ".txt, .csv or .jsonl file, or - for standard input (default: the sample file)"
    add("file", nargs="?", type=Path, metavar="FILE", help=source)
    add("--results", type=Path, default=Path("results.json"), help=".json, .jsonl or .csv file (default: %(default)s)")
    add("--errors", type=Path, default=Path("errors.jsonl"), help="errors file (default: %(default)s)")
    add("--year", type=whole(1, YEAR_MAX), help="income year of lines without a year (default: the tutorial's rules)")
    add("--batch", type=whole(1, 10**6), default=0, help="taxpayers per POST request (default: one per GET request)")
    add("--resume", action="store_true", help="continue a run that was interrupted or killed")
    add("--retries", type=whole(0, 100), default=4, help="maximum retries of a request (default: %(default)s)")
    add("--seed", type=whole(0, 2**63), help="seed that makes the random batch sizes repeatable (default: none)")
    threads = f"maximum number of threads (default: {THREADS}; {BATCH_THREADS} with --batch)"
    add("--max-threads", type=whole(1, 1000), help=threads)
    parser.set_defaults(command=calculate)

"""The options of `calculate`."""

import argparse
from pathlib import Path

from tax_client.arguments import Parser, whole
from tax_client.taxpayers.cells import YEAR_MAX

from . import command


def add_calculate(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """The options of `calculate`."""
    about = "calculate the tax of a taxpayers file, one id,married,children,salary a line"
    codes = "Exit code: 0 all calculated, 1 some taxpayer was not, 2 nothing could be done, 130 interrupted."
    parser = subparsers.add_parser(
        "calculate", help=about, description=about.capitalize() + ".", epilog=codes, parents=parents, allow_abbrev=False
    )
    add = parser.add_argument
    add("file", nargs="?", type=Path, metavar="FILE", help=".txt, .csv or .jsonl, - for stdin (default: the sample)")
    add("--results", type=Path, default=Path("results.json"), help=".json, .jsonl or .csv (default: %(default)s)")
    add("--errors", type=Path, default=Path("errors.jsonl"), help="errors file (default: %(default)s)")
    add("--year", type=whole(1, YEAR_MAX), help="income year of the lines that name none (default: rules of version 7)")
    add("--batch", type=whole(1, 10**6), default=0, help="taxpayers of one request (default: one, by GET)")
    add("--resume", action="store_true", help="go on with the run that was interrupted or killed")
    add("--retries", type=whole(0, 100), default=4, help="how often a request is sent again (default: %(default)s)")
    add("--seed", type=whole(0, 2**63), help="makes the random split over threads repeatable (default: none)")
    threads = f"threads at once, at most (default: {command.THREADS}; {command.BATCH_THREADS} with --batch)"
    add("--max-threads", type=whole(1, 1000), help=threads)
    parser.set_defaults(command=command.calculate)

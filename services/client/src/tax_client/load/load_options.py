"""The command-line options of `flood`, `compare`, `merge` and `households`."""

import argparse
from pathlib import Path

from tax_client.argument_parser import Parser, number, whole

from . import load_commands
from .load_plan import DEFAULT_REQUESTS
from .thresholds import Threshold, parse_threshold

CODES = (
    "Exit code: 0 success; 1 a --fail-if condition holds, or a request got a wrong answer, failed or was never sent "
    "and no --fail-if covers this (wrong, failed, unsent; errors covers all three); 2 unusable input; 130 interrupted."
)
DAY = 86400.0


def read_threshold(text: str) -> Threshold:
    """Parse a threshold for argparse. Raises ArgumentTypeError if the text is invalid."""
    try:
        return parse_threshold(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_flood(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """Add the command `flood` and its options."""
    about = "send many concurrent requests and check every answer"
    parser = add_parser(subparsers, "flood", about, parents)
    load = parser.add_argument_group("load").add_argument
    load("--requests", type=whole(1, 10**9), help=f"number of requests (default: {DEFAULT_REQUESTS})")
    seconds = number(0, DAY, "seconds")
    length = "seconds to send for; --requests may end the run earlier"
    load("--duration", type=number(0.1, DAY, "seconds"), metavar="SECONDS", help=length)
    load("--threads", type=whole(1, 1000), default=16, help="number of connections (default: %(default)s)")
    processes = "processes that share the connections (default: one per core, fewer for few requests)"
    load("--processes", type=whole(1, 64), help=processes)
    load("--rate", type=number(0.01, 1e6, "requests a second"), help="requests per second, on a schedule (open loop)")
    load("--arrivals", choices=("constant", "poisson"), default="constant", help="with --rate (default: %(default)s)")
    ramp_up = "seconds in which the load grows to its full size (default: 0)"
    load("--ramp-up", type=seconds, default=0.0, metavar="SECONDS", help=ramp_up)
    warm_up = "seconds after the ramp-up that are left out of the figures (default: 0)"
    load("--warm-up", type=seconds, default=0.0, metavar="SECONDS", help=warm_up)
    load("--retries", type=whole(0, 100), default=0, help="maximum retries after a transient failure (default: 0)")
    load("--seed", type=whole(0, 2**63), help="make poisson arrivals repeatable (default: none)")
    workload = parser.add_argument_group("workload").add_argument
    workload("--workload", type=Path, metavar="FILE", help="requests and answers from `income-tax expected`")
    workload("--published", type=Path, metavar="FILE", help="published results (default: published.json of TAX_DATA)")
    batch = "send N households per request, by POST (default: one, by GET)"
    workload("--batch", type=whole(1, 10**6), metavar="N", help=batch)
    add_report_options(parser)
    parser.set_defaults(command=load_commands.flood)


def add_report_options(parser: Parser) -> None:
    """Add the options for the reports and the thresholds of a run."""
    group = parser.add_argument_group("reports and verdict").add_argument
    group("--json", type=Path, metavar="FILE", help="write a report for `compare`, `merge` and other programs")
    group("--html", type=Path, metavar="FILE", help="write a report with charts as a single HTML page")
    group(
        "--fail-if",
        type=read_threshold,
        action="append",
        default=[],
        metavar="CONDITION",
        help="exit 1 if it holds (e.g. p99>200ms, errors>0.1%%, rate<1000), not for fewer errors; can be repeated",
    )


def add_compare(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """Add the command `compare` and its arguments."""
    parser = add_parser(subparsers, "compare", "print the reports of two floods side by side", parents)
    parser.add_argument("first", type=Path, metavar="A.json")
    parser.add_argument("second", type=Path, metavar="B.json")
    parser.set_defaults(command=load_commands.compare)


def add_merge(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """Add the command `merge` and its options."""
    parser = add_parser(subparsers, "merge", "merge the reports of clients that ran at the same time", parents)
    parser.add_argument("reports", type=Path, nargs="+", metavar="REPORT.json")
    clients = "expected number of clients; if reports are missing, the summary says how many and the exit code is 1"
    parser.add_argument("--clients", type=whole(1, 10**4), metavar="N", help=clients)
    add_report_options(parser)
    parser.set_defaults(command=load_commands.merge)


def add_households(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """Add the command `households` and its argument."""
    about = "print the households of a taxpayers file, for `income-tax expected`"
    parser = add_parser(subparsers, "households", about, parents, "Exit code: 0 success; 2 no valid household.")
    parser.add_argument("file", type=Path, metavar="FILE", help=".txt, .csv or .jsonl, - for stdin")
    parser.set_defaults(command=load_commands.households)


def add_parser(
    subparsers: "argparse._SubParsersAction[Parser]", name: str, about: str, parents: list[Parser], codes: str = CODES
) -> Parser:
    """Add the parser of a command, and return it."""
    description = about.capitalize() + "."
    return subparsers.add_parser(
        name, help=about, description=description, epilog=codes, parents=parents, allow_abbrev=False
    )

"""The command-line options of `flood`, `compare`, `merge` and `households`."""

import argparse
from pathlib import Path

from tax_client.common_arguments import Parser, number, whole

from . import load_commands
from .load_plan import DEFAULT_REQUESTS
from .thresholds import Threshold, parse_threshold

CODES = (
    "Exit code: 0 success; 1 a --fail-if condition holds, or an error occurred that no condition covers; 2 unusable "
    "input; 130 interrupted. Errors are wrong answers, failed requests and unsent requests. A condition on wrong, "
    "failed or unsent covers errors of this kind. A condition on errors covers all errors. A run without a right "
    "answer, or without a latency after the warm-up, fails whatever the conditions are."
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
    requests = f"number of requests (default: {DEFAULT_REQUESTS}, or unlimited with --duration)"
    load("--requests", type=whole(1, 10**9), help=requests)
    seconds = number(0, DAY, "seconds")
    length = "seconds during which requests are sent; --requests can end the run earlier"
    load("--duration", type=number(0.1, DAY, "seconds"), metavar="SECONDS", help=length)
    load("--threads", type=whole(1, 1000), default=16, help="number of connections (default: %(default)s)")
    processes = "number of processes that share the connections (default: one per core, or fewer for few requests)"
    load("--processes", type=whole(1, 64), help=processes)
    rate = "requests per second, sent on a schedule (default: each connection sends after its previous answer)"
    load("--rate", type=number(0.01, 1e6, "requests a second"), help=rate)
    arrivals = "schedule of --rate: constant intervals, or random intervals of a Poisson process (default: %(default)s)"
    load("--arrivals", choices=("constant", "poisson"), default="constant", help=arrivals)
    ramp_up = "seconds during which the load grows to its full size (default: 0)"
    load("--ramp-up", type=seconds, default=0.0, metavar="SECONDS", help=ramp_up)
    warm_up = "seconds after the ramp-up that throughput and latencies exclude (default: 0)"
    load("--warm-up", type=seconds, default=0.0, metavar="SECONDS", help=warm_up)
    retries = "maximum number of retries of a request after transient failures (default: 0)"
    load("--retries", type=whole(0, 100), default=0, help=retries)
    load("--seed", type=whole(0, 2**63), help="number that makes poisson arrivals repeatable (default: none)")
    workload = parser.add_argument_group("workload").add_argument
    workload("--workload", type=Path, metavar="FILE", help="workload file that `income-tax expected` wrote")
    published = "file of published results (default: published.json in TAX_DATA)"
    workload("--published", type=Path, metavar="FILE", help=published)
    batch = "send N households per POST request (default: one household per GET request)"
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
        help="exit with 1 if this condition holds, such as p99>200ms, errors>0.1%% or rate<1000; can be repeated",
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
    clients = "expected number of clients; if reports are missing, the summary counts them and the exit code is 1"
    parser.add_argument("--clients", type=whole(1, 10**4), metavar="N", help=clients)
    add_report_options(parser)
    parser.set_defaults(command=load_commands.merge)


def add_households(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """Add the command `households` and its argument."""
    about = "print the households of a taxpayers file as input for `income-tax expected`"
    parser = add_parser(subparsers, "households", about, parents, "Exit code: 0 success; 2 no valid household.")
    parser.add_argument("file", type=Path, metavar="FILE", help="a .txt, .csv or .jsonl file, or - for stdin")
    parser.set_defaults(command=load_commands.households)


def add_parser(
    subparsers: "argparse._SubParsersAction[Parser]", name: str, about: str, parents: list[Parser], codes: str = CODES
) -> Parser:
    """Add and return the parser of a command."""
    description = about.capitalize() + "."
    return subparsers.add_parser(
        name, help=about, description=description, epilog=codes, parents=parents, allow_abbrev=False
    )

"""The options of `flood`, `compare`, `merge` and `households` on the command line."""

import argparse
from pathlib import Path

from tax_client.arguments import Parser, number, whole

from . import command
from .households_command import households
from .preparation import DEFAULT_REQUESTS
from .thresholds import Threshold, parse_threshold

CODES = (
    "Exit code: 0 all well, 1 some --fail-if holds, or a request was answered wrong, failed or was never sent, and no "
    "--fail-if is about that (wrong, failed, unsent; errors are all), 2 nothing could be done, 130 interrupted."
)
DAY = 86400.0


def threshold(text: str) -> Threshold:
    """A condition, for argparse."""
    try:
        return parse_threshold(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_flood(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """The options of `flood`."""
    about = "send many requests at once and check every answer"
    parser = add_parser(subparsers, "flood", about, parents)
    load = parser.add_argument_group("how much").add_argument
    load("--requests", type=whole(1, 10**9), help=f"requests to send (default: {DEFAULT_REQUESTS})")
    seconds = number(0, DAY, "seconds")
    load("--duration", type=number(0.1, DAY, "seconds"), metavar="SECONDS", help="how long to send, instead or at most")
    load("--threads", type=whole(1, 1000), default=16, help="connections (default: %(default)s)")
    load("--processes", type=whole(1, 64), help="processes that share them (default: one a core, fewer for little)")
    load("--rate", type=number(0.01, 1e6, "requests a second"), help="send on schedule, so many a second (open loop)")
    load("--arrivals", choices=("constant", "poisson"), default="constant", help="with --rate (default: %(default)s)")
    load("--ramp-up", type=seconds, default=0.0, metavar="SECONDS", help="time for the load to grow (default: 0)")
    load("--warm-up", type=seconds, default=0.0, metavar="SECONDS", help="time that the figures leave out (default: 0)")
    load("--retries", type=whole(0, 100), default=0, help="sendings more, where that may help (default: 0)")
    load("--seed", type=whole(0, 2**63), help="makes poisson arrivals repeatable (default: none)")
    what = parser.add_argument_group("what to ask").add_argument
    what("--workload", type=Path, metavar="FILE", help="requests and right answers, of `income-tax expected`")
    what("--published", type=Path, metavar="FILE", help="published results (default: published.json of TAX_DATA)")
    what("--batch", type=whole(1, 10**6), metavar="N", help="send N households a request, by POST (default: one, GET)")
    add_outcome(parser)
    parser.set_defaults(command=command.flood)


def add_outcome(parser: Parser) -> None:
    """The options of what is made of a run."""
    group = parser.add_argument_group("what to make of it").add_argument
    group("--json", type=Path, metavar="FILE", help="write a report for `compare` and `merge`, and for programs")
    group("--html", type=Path, metavar="FILE", help="write a report with pictures, a single page")
    group(
        "--fail-if",
        type=threshold,
        action="append",
        default=[],
        metavar="CONDITION",
        help="exit 1 if p99>200ms, errors>0.1%%, rate<1000 or the like holds, not for fewer errors; may be repeated",
    )


def add_compare(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """The options of `compare`."""
    parser = add_parser(subparsers, "compare", "set the reports of two floods side by side", parents)
    parser.add_argument("first", type=Path, metavar="A.json")
    parser.add_argument("second", type=Path, metavar="B.json")
    parser.set_defaults(command=command.compare)


def add_merge(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """The options of `merge`."""
    parser = add_parser(subparsers, "merge", "make one report of those of several clients at the same time", parents)
    parser.add_argument("reports", type=Path, nargs="+", metavar="REPORT.json")
    about = "how many there were to be; if fewer left a report, it is told and the exit code is 1"
    parser.add_argument("--clients", type=whole(1, 10**4), metavar="N", help=about)
    add_outcome(parser)
    parser.set_defaults(command=command.merge_reports)


def add_households(subparsers: "argparse._SubParsersAction[Parser]", parents: list[Parser]) -> None:
    """The options of `households`."""
    about = "print the households of a taxpayers file, for `income-tax expected`"
    parser = add_parser(subparsers, "households", about, parents, "Exit code: 0 printed, 2 there was none.")
    parser.add_argument("file", type=Path, metavar="FILE", help=".txt, .csv or .jsonl, - for stdin")
    parser.set_defaults(command=households)


def add_parser(
    subparsers: "argparse._SubParsersAction[Parser]", name: str, about: str, parents: list[Parser], codes: str = CODES
) -> Parser:
    """The parser of one command."""
    description = about.capitalize() + "."
    return subparsers.add_parser(
        name, help=about, description=description, epilog=codes, parents=parents, allow_abbrev=False
    )

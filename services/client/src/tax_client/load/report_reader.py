"""A run from its JSON file, every value of it checked: others may have written it, or cut it."""

from pathlib import Path

import orjson

from tax_client.errors import UserError, build_file_error

from .channel import TELL_EVERY
from .counters import COUNTS, Tally, Wrong
from .histogram import Latencies
from .json_fields import Fields, refusal
from .report_writer import FORMAT
from .run import COARSER, Interval, Run

REMEDY = "give a file that `tax-client flood --json` wrote"
LATEST = 1e11  # seconds since 1970: a date that can be shown
LONGEST = 1e9  # seconds of a run
INTERVALS = [TELL_EVERY * COARSER**n for n in range(10)]


def read_run(path: Path) -> Run:
    """The run of a file. Raises UserError."""
    try:
        content = Fields(orjson.loads(path.read_bytes()))
        if content.get("format") != FORMAT:
            raise refusal("format", FORMAT, content.get("format"))
        return run_from(content)
    except OSError as error:
        raise build_file_error("report", path, error, REMEDY) from None
    except ValueError as error:
        raise UserError(f"report [{path}]: expected a flood's report in JSON ({error}): {REMEDY}") from None


def run_from(content: Fields) -> Run:
    """The run of a report's values. Raises ValueError."""
    total = content.part("total")
    run = Run(
        started=content.number("started", 0, LATEST),
        settings=content.part("settings").whatever(),
        machine=content.part("machine").whatever(),
        cores=content.number("client_cores", 0.001, 1e6),
        length=None if content.get("planned_seconds") is None else content.number("planned_seconds", 0.001, LONGEST),
        measured_from=content.number("measured_from_seconds", 0, LONGEST),
        measured_until=content.number("measured_until_seconds", 0, LONGEST),
        clients=content.whole("clients", 1),
        elapsed=content.number("elapsed_seconds", 0, LONGEST),
        total=tally_from(total),
        interval=content.number("interval_seconds", INTERVALS[0], INTERVALS[-1]),
        intervals=dict(map(interval_from, content.parts("intervals"))),
        interrupted_by=content.whole("interrupted_by", 0, 64),
        ended_badly=content.texts("ended_badly"),
        remarks=content.texts("remarks"),
    )
    if run.interval not in INTERVALS:
        raise refusal("interval_seconds", f"one of {INTERVALS}", run.interval)
    run.total.examples = total.part("examples").all_texts()
    run.total.wrongs = [wrong_from(one) for one in total.parts("wrongs")]
    return run


def interval_from(content: Fields) -> tuple[int, Interval]:
    """The number of an interval, and what was counted in it. Raises ValueError."""
    number = content.whole("number", 0, int(LONGEST / TELL_EVERY))
    return number, Interval(tally_from(content), content.whole("flying"))


def tally_from(content: Fields) -> Tally:
    """The tally of its values. Raises ValueError."""
    tally = Tally(cpu=content.number("cpu", 0, LONGEST))
    for name in COUNTS:
        if name != "cpu":
            setattr(tally, name, content.whole(name))
    tally.failures, tally.retried = content.part("failures").counts(), content.part("retried").counts()
    tally.latencies, tally.unpaced = latencies_from(content, "latencies"), latencies_from(content, "unpaced")
    return tally


def latencies_from(content: Fields, name: str) -> Latencies:
    """The histogram of a text; an empty one of null. Raises ValueError."""
    if content.get(name) is None:
        return Latencies()
    try:
        return Latencies.decode(content.text(name))
    except ValueError as error:
        raise ValueError(f"{content.path(name)}: {error}") from None


def wrong_from(content: Fields) -> Wrong:
    """A wrong answer of its values. Raises ValueError."""
    texts = (content.text(name) for name in ("request_id", "query", "difference"))
    return Wrong(content.whole("number"), *texts)

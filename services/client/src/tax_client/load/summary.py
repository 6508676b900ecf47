"""What a flood says at its end, as plain text."""

from tax_common.text import escape_controls

from .counters import Wrong
from .histogram import Latencies
from .run import LIMIT, Run

WRONG_SHOWN = 10  # the JSON report has more
PERCENTS = (50.0, 95.0, 99.0)


def summary(run: Run) -> str:
    """Counts, throughput, latencies in milliseconds, errors by kind, wrong answers, and what there is to beware of."""
    total = run.total
    lost = [f", {n} {what}" for n, what in ((total.unanswered, "unanswered"), (total.unsent, "never sent")) if n]
    counts = f"{total.sent} sent, {total.right} right, {total.wrong} wrong, {total.failed} failed{''.join(lost)}"
    reasons = ", ".join(f"{count} {kind}" for kind, count in total.retried.most_common())
    lines = [
        f"requests    {counts}",
        *([f"retries     {total.retries} ({reasons})"] if total.retries else []),
        f"throughput  {run.rate:.1f} answers/s over {run.measured_seconds:.2f} s",
        f"latency     {points(total.latencies)}",
        *([f"from send   {points(total.unpaced)}"] if total.unpaced.total else []),
        f"client      {run.client_load:.0%} of {run.cores:g} core(s)",
        *(f"errors      {count} {kind}" for kind, count in total.failures.most_common()),
        *(f"example     {message}" for message in total.examples.values()),
        *(f"wrong       request {w.request_id} (number {w.number}, {w.query}): {w.difference}" for w in shown(run)),
        *(f"beware      {warning}" for warning in warnings(run)),
    ]
    return "\n".join(map(escape_controls, lines))


def shown(run: Run) -> list[Wrong]:
    """The wrong answers that the text names."""
    return run.total.wrongs[:WRONG_SHOWN]


def points(latencies: Latencies) -> str:
    """The percentiles of latencies, in milliseconds."""
    if not latencies.total:
        return "no answer"
    found = zip(PERCENTS, latencies.percentiles(PERCENTS), strict=True)
    return "  ".join([*(f"p{percent:g} {ms:.1f} ms" for percent, ms in found), f"max {latencies.max:.1f} ms"])


def warnings(run: Run) -> list[str]:
    """What a reader of the figures must know."""
    said = [*run.ended_badly, *run.remarks]
    if run.client_is_limit:
        said.append(LIMIT)
    if run.measured_from and run.total.answered and not run.total.measured:
        said.append("no answer came after the ramp-up and the warm-up: there are no figures; make the flood longer")
    if run.total.unsent:
        said.append(
            f"{run.total.unsent} request(s) were due and never sent, all connections were busy: the latencies are too "
            "good; give more --threads, or a lower --rate"
        )
    return said

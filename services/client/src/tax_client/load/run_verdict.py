"""The verdict on a run: its failures, whatever the thresholds are, and the warnings about its measurements."""

from .run_results import LIMIT_MESSAGE, Run


def list_failures(run: Run) -> list[str]:
    """List the reasons for which a run fails whatever its thresholds are, and what the user can change."""
    total = run.total
    failures = [*run.ended_badly]
    if not total.sent:
        failures.append(explain_missing_requests(run))
    elif not total.right:
        failures.append(f"none of {total.sent} request(s) got a right answer, which no --fail-if condition can allow")
    elif not total.latencies.total:
        failures.append(
            "no request that was due after ramp-up and warm-up got an answer, so no latency was measured: "
            "raise --duration or --requests, or lower --ramp-up and --warm-up"
        )
    return failures


def explain_missing_requests(run: Run) -> str:
    """Explain why a run sent no request, and what the user can change."""
    if run.interrupted_by or run.ended_badly:
        return "no request was sent before the run was interrupted or failed"
    if run.total.unsent or run.length is None:
        return "no request was sent, because no connection was free in time: raise --duration or --threads"
    return (
        f"no request was sent, because none was due in the {run.length:g} s of --duration: "
        "raise --duration or --rate, or use --arrivals constant"
    )


def list_warnings(run: Run) -> list[str]:
    """List the reasons why the measurements might be misleading."""
    total = run.total
    warnings = [*run.remarks]
    if run.is_client_limit:
        warnings.append(LIMIT_MESSAGE)
    if total.latencies.total and total.answered and not total.measured:
        warnings.append("no answer arrived within the measured time, so no throughput was measured: raise --duration")
    if total.unsent:
        warnings.append(
            f"{total.unsent} request(s) were due but never sent, because all connections were busy: the true "
            "latencies are higher than the measured latencies; raise --threads or lower --rate"
        )
    return warnings


def is_all_right(run: Run) -> bool:
    """Return whether the run has no failure and each due request has a right answer."""
    return not run.total.errors and not list_failures(run)


def describe_verdict(run: Run) -> str:
    """Return a short verdict on a run."""
    if run.total.errors:
        return f"{run.total.errors:,} of {run.total.due:,} not right"
    if not run.total.sent:
        return "no request was sent"
    if run.ended_badly:
        return "the client itself failed"
    return "every answer right" if is_all_right(run) else "no latency was measured"

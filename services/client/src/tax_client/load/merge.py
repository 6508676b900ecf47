"""Several runs at the same time, made one."""

from collections.abc import Sequence

from .run import Interval, Run

EACH = ("requests", "connections", "processes", "loop")  # settings that each client has for itself


def merge(runs: Sequence[Run], expected: int | None = None) -> Run:
    """The run of all clients together: counts and histograms added, intervals laid over each other by the time of day.

    Figures are of the time from the end of the first one's warm-up until the end of the last. Settings that differ are
    listed. It is told when there are fewer clients than `expected`, and when there was a time without any.
    """
    began = min(run.started for run in runs)
    late = {id(run): run.started - began for run in runs}
    merged = Run(
        started=began,
        settings={name: of_all(name, [run.settings.get(name) for run in runs]) for name in runs[0].settings},
        machine={name: of_all(name, [run.machine.get(name) for run in runs]) for name in runs[0].machine},
        cores=sum(run.cores for run in runs),
        length=max(run.length + late[id(run)] for run in runs if run.length) if all(r.length for r in runs) else None,
        measured_from=min(run.measured_from + late[id(run)] for run in runs),
        measured_until=max(run.measured_until + late[id(run)] for run in runs),
        clients=sum(run.clients for run in runs),
        interval=max(run.interval for run in runs),
        elapsed=max(run.elapsed + late[id(run)] for run in runs),
        interrupted_by=max(run.interrupted_by for run in runs),
        ended_badly=[sentence for run in runs for sentence in run.ended_badly],
        remarks=[sentence for run in runs for sentence in run.remarks],
    )
    for run in runs:
        merged.total.add(run.total)
        run.coarsen(merged.interval)
        for number, part in run.intervals.items():
            merged.intervals.setdefault(number + round(late[id(run)] / merged.interval), Interval()).add(part)
    if expected is not None and merged.clients < expected:
        merged.ended_badly.append(f"{expected - merged.clients} of {expected} clients left no report")
    if pause := pause_between(runs):
        merged.remarks.append(
            f"the clients were not there at the same time: for {pause:.1f} s there was none, which is in the throughput"
        )
    return merged


def pause_between(runs: Sequence[Run]) -> float:
    """Seconds between the first run's begin and the last one's end in which none went on."""
    pause, until = 0.0, min(run.started for run in runs)
    for run in sorted(runs, key=lambda run: run.started):
        pause += max(0.0, run.started - until)
        until = max(until, run.started + run.elapsed)
    return pause


def of_all(name: str, values: Sequence[object]) -> object:
    """A setting of several clients: the value that all have (told as theirs, if each has it for itself), or all."""
    first = values[0]
    alike = all(value == first for value in values)
    if alike and name in EACH and len(values) > 1 and first not in (None, "closed"):
        return f"{len(values)} clients x {first}"
    return first if alike else ", ".join(map(str, values))

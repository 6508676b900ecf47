"""What a flood is to do, from its options: all that can be wrong is said before any request is sent."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from tax_client.errors import UserError
from tax_client.settings import Settings

from . import machine
from .plan import Plan, processes_for
from .workload import Workload, published_workload, read_workload

DEFAULT_REQUESTS = 1000


def plan_of(options: Namespace) -> Plan:
    """The plan of the options. Raises UserError when they contradict each other."""
    requests: int | None = options.requests
    if requests is None and options.duration is None:
        requests = DEFAULT_REQUESTS
    if options.duration is not None and options.ramp_up + options.warm_up >= options.duration:
        raise UserError("--duration: expected more seconds than --ramp-up and --warm-up have together: make it longer")
    threads = min(options.threads, requests) if requests is not None else options.threads
    cores = max(1, int(machine.cores()))
    return Plan(
        threads=threads,
        processes=min(options.processes or processes_for(threads, requests, cores), threads),
        requests=requests,
        duration=options.duration,
        rate=options.rate,
        arrivals=options.arrivals,
        ramp_up=options.ramp_up,
        warm_up=options.warm_up,
        retries=options.retries,
        seed=options.seed,
    )


def workload_of(options: Namespace, settings: Settings) -> Workload:
    """What is asked. Raises UserError."""
    if options.workload:
        return read_workload(options.workload, options.batch)
    return published_workload(options.published or settings.data / "published.json", options.batch)


def name_of(path: Path) -> str:
    """A file's name as JSON can have it, also one that is no UTF-8."""
    return path.name.encode(errors="backslashreplace").decode()


def told(plan: Plan, options: Namespace, settings: Settings, workload: Workload) -> dict[str, Any]:
    """The settings of a run as its reports show them; no password is among them."""
    return {
        "url": settings.url,
        "engine": "curl",  # earlier versions had others
        "loop": f"open, {plan.rate:g} requests/s, {plan.arrivals} arrivals" if plan.rate else "closed",
        "requests": plan.requests,
        "duration s": plan.duration,
        "ramp-up s": plan.ramp_up,
        "warm-up s": plan.warm_up,
        "connections": plan.threads,
        "processes": plan.processes,
        "retries": plan.retries,
        "timeout s": settings.timeout,
        "workload": name_of(options.workload or options.published or Path("published sample")),
        "different requests": len(workload),
        "households a request": workload.households,
    }

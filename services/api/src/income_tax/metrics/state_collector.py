"""The collector that exposes a replica's state to Prometheus. docs/reference/metrics.md lists the metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from .metric_families import PREFIX, build_counter, build_gauge, build_labelled_gauge
from .process_figures import ProcessFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaState:
    """The state of a replica at the time of a scrape. Times are Unix timestamps. None means unknown."""

    version: str
    database: str
    schedules: Sequence[str]  # the versions that the workers of the replica use
    schedules_loaded: float | None
    is_database_answering: bool
    workers_expected: int
    replicas_expected: int | None
    mails: Mapping[str, int]  # the number of pending, sent and dead mails; empty if the spool cannot be read
    dead_letters: int
    volumes: Mapping[str, tuple[int, int]]  # the size and the free space of each volume in bytes
    certificate_end: float | None
    processes: ProcessFigures | None


class StateCollector(Collector):
    """Collects the state of a replica at each scrape."""

    def __init__(self, read_state: Callable[[], ReplicaState]) -> None:
        self._read_state = read_state

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        state = self._read_state()
        build = {"version": state.version, "database": state.database}
        yield InfoMetricFamily(f"{PREFIX}build", "Version of the service, and its database.", value=build)
        yield from collect_schedules(state)
        yield from collect_mails(state)
        yield build_gauge("database_up", "Whether the database answers.", state.is_database_answering)
        yield build_gauge("workers_expected", "Worker processes that should run.", state.workers_expected)
        if state.replicas_expected is not None:
            yield build_gauge("replicas_expected", "Replicas that `make up` has started.", state.replicas_expected)
        if state.certificate_end is not None:
            text = "Time when the certificate of nginx expires."
            yield build_gauge("certificate_expiry_timestamp_seconds", text, state.certificate_end)
        yield from collect_volumes(state.volumes)
        if state.processes is not None:
            yield from collect_processes(state.processes)


def collect_schedules(state: ReplicaState) -> Iterator[Metric]:
    """Yield the versions of the schedules, and the time when this version was loaded."""
    versions = build_labelled_gauge("schedules_info", "Versions of the schedules that the workers use.", "version")
    for version in state.schedules:
        versions.add_metric([version], 1)
    yield versions
    if state.schedules_loaded is not None:
        text = "Time when the schedules were last read from the database."
        yield build_gauge("schedules_loaded_timestamp_seconds", text, state.schedules_loaded)


def collect_mails(state: ReplicaState) -> Iterator[Metric]:
    """Yield the numbers of the host's alert messages of all channels. All replicas of a host share them."""
    if state.mails:
        yield build_gauge("alert_mails_pending", "Alert messages that wait for their server.", state.mails["pending"])
        mails = build_counter("alert_mails", "Alert messages that were sent, or permanently refused.", "state")
        for name in ("sent", "dead"):
            mails.add_metric([name], state.mails[name])
        yield mails
    yield build_gauge("dead_letters", "Refused alert messages that nobody has removed.", state.dead_letters)


def collect_volumes(volumes: Mapping[str, tuple[int, int]]) -> Iterator[Metric]:
    """Yield the sizes of the volumes, and their free space."""
    sizes = build_labelled_gauge("volume_size_bytes", "Size of the file system of a volume.", "volume")
    free = build_labelled_gauge("volume_free_bytes", "Free space on the file system of a volume.", "volume")
    for name, (size, rest) in volumes.items():
        sizes.add_metric([name], size)
        free.add_metric([name], rest)
    yield from (sizes, free)


def collect_processes(processes: ProcessFigures) -> Iterator[Metric]:
    """Yield the usual metrics of processes, for the master and its workers together."""
    cpu, resident, opened, most, started = processes
    yield CounterMetricFamily("process_cpu_seconds", "Processor time of all processes of the replica.", value=cpu)
    yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory of all processes.", value=resident)
    yield GaugeMetricFamily("process_open_fds", "Open files of all processes.", value=opened)
    yield GaugeMetricFamily("process_max_fds", "Limit of the open files of one process.", value=most)
    yield GaugeMetricFamily("process_start_time_seconds", "Time when the replica started.", value=started)

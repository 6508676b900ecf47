"""Functions that build the server of the metrics, and the function that reads the state of the replica for it."""

import os
import socket
import time
from collections.abc import Callable

from prometheus_client.registry import CollectorRegistry

from income_tax import __version__
from income_tax.alerts.alert_sender import AlertSender
from income_tax.metrics.counter_collector import CounterCollector
from income_tax.metrics.limited_reader import LimitedReader
from income_tax.metrics.metrics_server import MetricsServer
from income_tax.metrics.process_figures import read_process_figures
from income_tax.metrics.state_collector import ReplicaState, StateCollector
from income_tax.metrics.worker_counters import WorkerCounters
from income_tax.monitoring.database_monitor import DatabaseMonitor
from income_tax.monitoring.service_status import count_dead_letters, measure_disk_usage, read_expected_replicas
from income_tax.monitoring.trouble_monitor import read_certificate_end
from income_tax.monitoring.worker_status import read_snapshots
from income_tax.settings import Settings
from income_tax.storage.schedule_snapshot import CurrentSchedules, ScheduleSnapshot

READ_LIMIT = 0.5  # seconds


def build_metrics_server(
    settings: Settings, counters: WorkerCounters, read_state: Callable[[], ReplicaState]
) -> MetricsServer | None:
    """Build the server of the metrics. Return None if the settings name no address for it."""
    if settings.metrics_bind is None:
        return None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CounterCollector(counters, settings.threads))
    registry.register(StateCollector(read_state))
    return MetricsServer(*settings.metrics_bind, registry)


def build_state_reader(
    settings: Settings,
    database: str,
    schedules: CurrentSchedules,
    snapshot: ScheduleSnapshot,
    monitor: DatabaseMonitor,
    alerts: AlertSender,
) -> Callable[[], ReplicaState]:
    """Build the function that reads the state of this replica. A worker calls it, so its parent is the master."""
    count_mails: LimitedReader[dict[str, int]] = LimitedReader(
        alerts.count_mails, READ_LIMIT, {}
    )  # a busy spool can take seconds
    folders = {"logs": settings.log_file.parent, "state": settings.state_dir}

    def read_state() -> ReplicaState:
        host, workers = socket.gethostname(), read_snapshots(settings.workers_folder, time.time())
        usages = {name: measure_disk_usage(folder) for name, folder in folders.items()}
        return ReplicaState(
            version=__version__,
            database=database,
            schedules=sorted({schedules.get().version, *(one.schedules for one in workers if one.host == host)}),
            schedules_loaded=snapshot.read_time(),
            is_database_answering=monitor.trouble is None,
            workers_expected=settings.workers,
            replicas_expected=read_expected_replicas(settings.replicas_file),
            mails=count_mails(),
            dead_letters=count_dead_letters(settings.dead_letters),
            volumes={name: (usage.total, usage.free) for name, usage in usages.items() if usage},
            certificate_end=read_certificate_end(settings.certificate_file),
            processes=read_process_figures(os.getppid()),
        )

    return read_state

"""Start the service without its counters. bench/metrics_cost.py compares this service with the usual service."""

from income_tax.cli import main
from income_tax.http.middleware import metrics
from income_tax.metrics.worker_counters import WorkerCounters


def ignore(*_: object) -> None:
    """Count nothing."""


if __name__ == "__main__":
    metrics.MetricsMiddleware = lambda app, _counters: app  # type: ignore[assignment,misc,return-value]
    for name in ("count_calculations", "count_written_line"):
        setattr(WorkerCounters, name, ignore)
    main()

"""The status of the service as JSON, with the same facts as the status page."""

from datetime import UTC, datetime
from typing import Any

from income_tax import __version__
from income_tax.monitoring.request_history import TimeBucket
from income_tax.monitoring.service_status import DiskUsage, ServiceStatus, Window
from income_tax.monitoring.worker_status import WorkerSnapshot
from income_tax.tax.schedule_parser import Schedules

PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
STATUS_CLASSES = (2, 3, 4, 5)


def describe_status(status: ServiceStatus, schedules: Schedules) -> dict[str, Any]:
    """Return the status as a JSON object. Times are UTC (RFC 3339). null means unknown."""
    return {
        "time": format_time(status.now),
        "problems": status.problems,
        "version": __version__,
        "schedules": {"version": schedules.version, "years": sorted(schedules.years)},
        "replicas": {"running": len(status.replicas), "expected": status.expected_replicas},
        "workers": [describe_worker(worker, status.now) for worker in status.workers],
        "windows": [describe_window(window) for window in status.windows],
        "minutes": [
            {"start": format_time(begin), **count_responses(bucket)}
            for begin, bucket in status.minutes.items()
            if bucket.requests
        ],
        "alert_mails": {name: status.alerts.get(name) for name in ("pending", "sent", "dead")},
        "dead_letters": status.dead_letters,
        "log_volume": describe_disk(status.log_disk),
    }


def describe_worker(worker: WorkerSnapshot, now: float) -> dict[str, Any]:
    """Return the facts about a worker."""
    return {
        "replica": worker.host,
        "process": worker.pid,
        "uptime_seconds": round(now - worker.started),
        "requests": worker.requests,
        "schedules": worker.schedules,
        "version": worker.version,
    }


def describe_window(window: Window) -> dict[str, Any]:
    """Return the responses in a time window. A latency is null without responses, and above 100 seconds."""
    latencies = {name: window.counted.compute_percentile(share) for name, share in PERCENTILES.items()}
    return {
        "minutes": window.minutes,
        **count_responses(window.counted),
        "requests_per_second": round(window.rate, 2),
        "api_latency_seconds": latencies,
    }


def count_responses(bucket: TimeBucket) -> dict[str, Any]:
    """Return the number of responses, in all and of each status class."""
    statuses = {f"{status_class}xx": bucket.statuses[status_class] for status_class in STATUS_CLASSES}
    return {"requests": bucket.requests, "statuses": statuses}


def describe_disk(disk: DiskUsage | None) -> dict[str, int | None]:
    """Return the size and the free space of a volume in bytes."""
    return {"size_bytes": disk.total if disk else None, "free_bytes": disk.free if disk else None}


def format_time(moment: float) -> str:
    """Format a Unix timestamp as UTC, for example 2026-01-31T12:00:00Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

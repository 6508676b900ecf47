"""`GET /status`, the operator's status page."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response

from income_tax import __version__
from income_tax.alerts.alert_sender import AlertSender
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.monitoring.service_status import ServiceStatus, measure_disk_usage, read_expected_replicas
from income_tax.monitoring.worker_metrics import read_snapshots
from income_tax.settings import Settings
from income_tax.storage.schedule_snapshot import CurrentSchedules

from .rendering import TRANSLATIONS, render_page, render_rejected_login

Bar = dict[str, float | str]

CHART_SIZE = (1000, 110)  # width and height, in units of the SVG
BAR_MIN = 3  # height of the smallest bar


def format_latency(seconds: float | None) -> str:
    """Format a latency, for example as 1.5 ms. If the latency is None, return a dash."""
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.{1 if seconds < 0.1 else 0}f} ms" if seconds < 1 else f"{seconds:.1f} s"


def format_size(count: int) -> str:
    """Format a number of bytes in GiB."""
    return f"{count / 2**30:.1f} GiB"


def format_duration(seconds: float) -> str:
    """Format a duration in up to two units, for example as 1 d 2 h."""
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


def format_time(moment: float) -> str:
    """Format a Unix timestamp as the time of day in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


FORMATS = {"milliseconds": format_latency, "gibibytes": format_size, "duration": format_duration, "clock": format_time}


def build_bars(overview: ServiceStatus) -> list[Bar]:
    """Build the bars of the chart. Each bar shows the requests of ten seconds. Its lower part shows the failures."""
    buckets = overview.buckets
    width, height = CHART_SIZE[0] / len(buckets), CHART_SIZE[1]
    most = max(1, *(bucket.requests for bucket in buckets.values()))
    bars: list[Bar] = []
    for index, (began, bucket) in enumerate(buckets.items()):
        # Without a minimum height, a few requests or failures beside many would be invisible.
        total, failed = (max(BAR_MIN, height * count / most) if count else 0
                         for count in (bucket.requests, bucket.statuses.get(5, 0)))  # fmt: skip
        bars.append({"x": round(index * width + 1, 2), "width": round(width - 2, 2), "height": round(total, 2),
                     "failed": round(failed, 2), "requests": bucket.requests, "at": format_time(began)})  # fmt: skip
    return bars


def build_blueprint(
    settings: Settings,
    metrics_folder: Path,
    alerts: AlertSender,
    schedules: CurrentSchedules,
    login_required: LoginRequired,
    read_state: Callable[[], dict[str, Any]],
    now: Callable[[], float] = time.time,
) -> Blueprint:
    """Build the blueprint of the status page. `read_state` returns the state of this process."""
    routes = Blueprint("status", __name__, template_folder="templates")
    routes.after_request(render_rejected_login)

    def read_status() -> ServiceStatus:
        moment = now()
        return ServiceStatus(
            workers=read_snapshots(metrics_folder, moment),
            expected=settings.workers,
            expected_replicas=read_expected_replicas(settings.replicas_file),
            alerts=alerts.count_mails(),
            dead_letters=len(list(settings.dead_letters.glob("*.*"))),
            log_disk=measure_disk_usage(settings.log_file.parent),
            now=moment,
            own_troubles=read_state()["troubles"],
        )

    @routes.get("/status", provide_automatic_options=False)
    @login_required
    def status() -> Response:
        overview = read_status()
        values: dict[str, Any] = {"overview": overview, "bars": build_bars(overview), "chart": CHART_SIZE, **FORMATS}
        values |= {"version": __version__, "schedules": schedules.get(), "mail_page": settings.mail_page}
        return render_page("status.html", language="en", text=TRANSLATIONS["en"], **values)

    return routes

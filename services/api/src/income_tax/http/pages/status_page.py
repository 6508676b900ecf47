"""`GET /status`, which is a page for browsers, and JSON for all other clients."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response

from income_tax import __version__
from income_tax.alerts.alert_sender import AlertSender
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.responses import build_response
from income_tax.monitoring.request_history import read_history
from income_tax.monitoring.service_status import (
    ServiceStatus,
    count_dead_letters,
    measure_disk_usage,
    read_expected_replicas,
)
from income_tax.monitoring.worker_status import read_snapshots
from income_tax.settings import Settings
from income_tax.storage.schedule_snapshot import CurrentSchedules

from .rendering import TRANSLATIONS, prefers_html, render_page, render_rejected_login
from .status_chart import HEIGHT, WIDTH, build_chart
from .status_json import describe_status


def format_latency(seconds: float | None) -> str:
    """Format a latency, for example as 1.5 ms. If the latency is None, return a dash."""
    if seconds is None:
        return "–"
    if math.isinf(seconds):
        return "over 100 s"
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


def build_blueprint(
    settings: Settings,
    alerts: AlertSender,
    schedules: CurrentSchedules,
    login_required: LoginRequired,
    read_state: Callable[[], dict[str, Any]],
) -> Blueprint:
    """Build the blueprint of the status page. `read_state` returns the state of this process."""
    routes = Blueprint("status", __name__, template_folder="templates")
    routes.after_request(render_rejected_login)

    @routes.get("/status", provide_automatic_options=False)
    @login_required
    def status() -> Response:
        overview = read_status(settings, alerts, read_state()["troubles"], time.time())
        if prefers_html():
            values: dict[str, Any] = {"overview": overview, "chart": build_chart(overview.minutes), **FORMATS}
            values |= {"chart_size": (WIDTH, HEIGHT), "schedules": schedules.get()}
            values |= {"version": __version__, "mail_page": settings.mail_page}
            response = render_page("status.html", language="en", text=TRANSLATIONS["en"], **values)
        else:
            response = build_response({"status": describe_status(overview, schedules.get())})
        response.vary.add("Accept")
        return response

    return routes


def read_status(settings: Settings, alerts: AlertSender, own_troubles: list[str], now: float) -> ServiceStatus:
    """Read the status of the service on this host at the Unix timestamp `now`."""
    return ServiceStatus(
        workers=read_snapshots(settings.workers_folder, now),
        expected=settings.workers,
        expected_replicas=read_expected_replicas(settings.replicas_file),
        alerts=alerts.count_mails(),
        dead_letters=count_dead_letters(settings.dead_letters),
        log_disk=measure_disk_usage(settings.log_file.parent),
        history=read_history(settings.history_folder, now),
        now=now,
        own_troubles=own_troubles,
    )

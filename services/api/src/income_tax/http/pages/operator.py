"""`GET /status`: the operator's page."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response

from income_tax import __version__
from income_tax.bootstrap import Services
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.monitoring.service_status import ServiceStatus, measure_disk_usage, read_expected_replicas
from income_tax.monitoring.worker_metrics import read_snapshots

from .rendering import TEXTS, in_words, page

Bar = dict[str, float | str]

CHART = (1000, 110)  # width and height, in the units of the picture


def milliseconds(seconds: float | None) -> str:
    """A latency in words."""
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.{1 if seconds < 0.1 else 0}f} ms" if seconds < 1 else f"{seconds:.1f} s"


def gibibytes(count: int) -> str:
    """Bytes in words."""
    return f"{count / 2**30:.1f} GiB"


def duration(seconds: float) -> str:
    """A span of time in words, by its two largest units at most."""
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((index for index, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


def clock(moment: float) -> str:
    """A time of day, UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


def bars(overview: ServiceStatus) -> list[Bar]:
    """The requests of each ten seconds as bars of the picture, failures at their foot."""
    slots = overview.buckets
    width, height = CHART[0] / len(slots), CHART[1]
    most = max(1, *(slot.requests for slot in slots.values()))
    drawn: list[Bar] = []
    for index, (began, slot) in enumerate(slots.items()):
        failed = slot.statuses.get(5, 0)
        tall, red = height * slot.requests / most, height * failed / most
        drawn.append({"x": round(index * width + 1, 2), "width": round(width - 2, 2), "height": round(tall, 2),
                      "failed": round(red, 2), "requests": slot.requests, "at": clock(began)})  # fmt: skip
    return drawn


def blueprint(services: Services, login_required: LoginRequired, now: Callable[[], float] = time.time) -> Blueprint:
    """The route of the operator's page."""
    routes = Blueprint("status", __name__, template_folder="templates")
    routes.after_request(in_words)
    settings = services.settings
    words: dict[str, Any] = {"milliseconds": milliseconds, "gibibytes": gibibytes, "duration": duration, "clock": clock}

    @routes.get("/status", provide_automatic_options=False)
    @login_required
    def status() -> Response:
        moment = now()
        overview = ServiceStatus(
            workers=read_snapshots(services.activity.folder, moment),
            expected=settings.workers,
            expected_replicas=read_expected_replicas(settings.replicas_file),
            alerts=services.alerts.count_mails(),
            dead_letters=len(list(settings.dead_letters.glob("*.eml"))),
            log_disk=measure_disk_usage(settings.log_file.parent),
            now=moment,
        )
        return page(
            "status.html",
            language="en",
            text=TEXTS["en"],
            overview=overview,
            bars=bars(overview),
            chart=CHART,
            version=__version__,
            schedules=services.schedules.get(),
            mail_page=settings.mail_page,
            **words,
        )

    return routes

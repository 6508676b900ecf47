"""Failures inside gunicorn cause a JSON response, a log line and an alert."""

import json
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from income_tax.alerts.alert import Alert
from income_tax.alerts.alert_kinds import Severity
from income_tax.alerts.alert_text import format_alert
from income_tax.server.gunicorn_app import ServerDependencies, build_options
from income_tax.server.leader_follower.leader_lock import LeaderLock
from income_tax.service_log import build_logger
from income_tax.settings import read_settings
from tests.support.fakes import DEPLOYMENT, Lines, build_counters


@pytest.mark.parametrize(("mask", "quoted"), [("off", "salary=61000"), ("on", "salary=*")])
def test_failure_outside_the_application(mask: str, quoted: str) -> None:
    """A failure causes a 500, one log line and one alert with the same request id. MASK_AMOUNTS masks the amounts."""
    lines, alerts = Lines(), list[Alert]()
    log = build_logger("api", lines.write, "json", "info", mask == "on")
    parts = {
        "log": log,
        "alerts": SimpleNamespace(send=alerts.append),
        "counters": build_counters(),
        "database_monitor": None,
        "leader_lock": LeaderLock(),
    }
    services = cast(ServerDependencies, SimpleNamespace(**parts))
    worker: Any = build_options(read_settings({"MASK_AMOUNTS": mask}), services, "sqlite")["worker_class"]
    ours, theirs = socket.socketpair()
    with ours:
        ours.shutdown(socket.SHUT_WR)
        worker.handle_error(None, None, theirs, ("192.0.2.1", 1), RuntimeError("at /?salary=61000"))
        answer = ours.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 500 ")
    (alert,), (line,) = alerts, lines.written
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body == alert.answer
    assert alert.request_id == body["response"]["request_id"] == json.loads(line)["request_id"]
    assert f"error: RuntimeError: at /?{quoted}\n" in format_alert(alert, DEPLOYMENT, Severity.CRITICAL)
    assert (mask == "off") == (b"61000" in line)

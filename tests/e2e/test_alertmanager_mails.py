"""Tests of Alertmanager and its start by `make monitor`: settings, files, invalid configurations, and mails."""

import os
from email.message import EmailMessage

import pytest

from tests.support.prometheus import Prometheus, post_alerts
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("monitoring")


@pytest.fixture(scope="module")
def prometheus(stack: Stack) -> Prometheus:
    stack.make("monitor")
    return Prometheus.of(stack)


def read_text(mail: EmailMessage) -> str:
    """Return the text of a mail of Alertmanager, which has one part."""
    part = mail.get_body()
    assert part is not None
    return str(part.get_content())


def test_two_hosts_cause_one_mail(stack: Stack, prometheus: Prometheus) -> None:
    """An alert of two hosts is one mail, which names both hosts."""
    assert prometheus.targets()
    alerts = [
        {
            "labels": {"alertname": "Exercise", "severity": "warning", "host": host},
            "annotations": {"summary": "an exercise", "description": "none", "runbook_url": "none"},
        }
        for host in ("host1", "host2")
    ]
    post_alerts(stack, *alerts)
    (mail,) = wait_until(lambda: stack.mails("an exercise (firing, warning)"))
    assert "[tax-service firing] Exercise (2)" == mail["Subject"]
    lines = read_text(mail).splitlines()
    assert {f"{host}: an exercise (firing, warning)" for host in ("host1", "host2")} < set(lines)


def test_mails_show_the_annotations_of_the_api(stack: Stack, prometheus: Prometheus) -> None:
    """The mail of an alert that the API posts contains its host and its section of the runbook."""
    assert prometheus.targets()
    annotations = {"summary": "the API fails", "description": "none", "host": "host1", "runbook": "docs/alerts"}
    post_alerts(stack, {"labels": {"alertname": "OfTheApi", "severity": "warning"}, "annotations": annotations})
    (mail,) = wait_until(lambda: stack.mails("host1: the API fails (firing, warning)"))
    assert "What to do: docs/alerts" in read_text(mail)


def test_alerts_name_the_machine(prometheus: Prometheus) -> None:
    """Prometheus adds the name of the machine to the alerts."""
    configuration = prometheus.read("status/config")["yaml"]
    assert f"host: {os.uname().nodename}\n" in configuration


def test_alertmanager_sees_only_the_files_of_the_mail_server(stack: Stack, prometheus: Prometheus) -> None:
    """`make monitor` applies changed settings. Alertmanager can read the files of these settings, and no users."""
    assert prometheus.targets()
    assert "" == stack.output("alertmanager", "ls", "/users")
    (stack.folder / "secrets/api/smtp_password").write_text("secret\n")
    stack.set(SMTP_USER="tax", SMTP_PASSWORD_FILE="/users/smtp_password", ALERT_TO="a@localhost; b@localhost")
    stack.make("monitor")
    assert "smtp_password\n" == stack.output("alertmanager", "ls", "/users")
    assert "secret\n" == stack.output("alertmanager", "cat", "/users/smtp_password")
    assert "- to: 'a@localhost, b@localhost'" in stack.output("alertmanager", "sh", "-c", "cat /tmp/alertmanager.yml")
    stack.set(SMTP_USER="", SMTP_PASSWORD_FILE="", ALERT_TO="admin@localhost")
    stack.make("monitor")
    assert "" == stack.output("alertmanager", "ls", "/users")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("prometheus/rules/alerts.yml", "The configuration of Prometheus is invalid."),
        ("alertmanager/routes.yml", "The configuration of Alertmanager is invalid."),
    ],
)
def test_an_invalid_configuration_changes_nothing(
    stack: Stack, prometheus: Prometheus, file: str, message: str
) -> None:
    """`make monitor` rejects an invalid file and prints the reason. The running containers stay."""
    assert prometheus.targets()
    path = stack.folder / "monitoring" / file
    good, before = path.read_text(), stack.ids("status=running")
    path.write_text(f"{good}\nunknown_field: 1\n")
    finished = stack.run("make", "monitor")
    path.write_text(good)
    assert 0 != finished.returncode
    assert "unknown_field" in finished.stderr
    assert message in finished.stderr
    assert before == stack.ids("status=running")


def test_a_stopped_nginx_fires_and_resolves(stack: Stack, prometheus: Prometheus) -> None:
    """While nginx is stopped, its alert fires. It ends after the start of nginx."""
    wait_until(lambda: prometheus.state("NginxDown") == "inactive")
    stack.compose("stop", "nginx")
    wait_until(lambda: prometheus.state("NginxDown") == "firing")
    stack.compose("start", "nginx")
    wait_until(lambda: prometheus.state("NginxDown") == "inactive")
    wait_until(lambda: stack.healthy("nginx") == 1)

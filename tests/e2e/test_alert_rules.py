"""Tests of the alerts of Prometheus without a stack: promtool and amtool run in containers."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.data import ROOT

PROMETHEUS = ROOT / "monitoring/prometheus"
ALERTMANAGER = ROOT / "monitoring/alertmanager"
RUNBOOK = ROOT / "docs/how-to/prometheus-alerts.md"
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def read_alerts() -> dict[str, dict[str, Any]]:
    """Return the alerting rules by name."""
    groups = yaml.safe_load((PROMETHEUS / "rules/alerts.yml").read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def run_program(image: str, folder: Path, *command: str, **settings: str) -> str:
    """Run a command in an image of the stack with the folder of its configuration. Return the output."""
    name = re.search(rf"{image}:\S+", COMPOSE)
    assert name is not None
    target = f"/etc/{folder.name}"
    options = ["--volume", f"{folder}:{target}:ro", "--workdir", target, "--network", "none"]
    variables = [f"--env={name}={value}" for name, value in settings.items()]
    run = ["docker", "run", "--rm", *options, *variables, "--entrypoint", command[0], name[0], *command[1:]]
    finished = subprocess.run(run, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == finished.returncode, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


@pytest.mark.parametrize("command", [["check", "config", "prometheus.yml"], ["test", "rules", "tests/alerts.yml"]])
def test_promtool_accepts_configuration_and_rules(command: list[str]) -> None:
    """Promtool accepts the configuration, and each alert fires exactly in the case in which it must fire."""
    assert "SUCCESS" in run_program("prom/prometheus", PROMETHEUS, "promtool", *command)


SMTP = dict.fromkeys(("SMTP_CA_FILE", "SMTP_HELO_NAME", "SMTP_USER", "SMTP_PASSWORD_FILE"), "") | {
    "SMTP_HOST": "smtp.example.org",
    "SMTP_PORT": "25",
    "ALERT_FROM": "Tax service <tax@example.org>",
}
SECURITY = {
    "none": {},
    "tls": {"SMTP_CA_FILE": "/users/smtp_ca.pem", "SMTP_HELO_NAME": "tax.example.org"},
    "starttls": {"SMTP_USER": "it's", "SMTP_PASSWORD_FILE": "/users/smtp_password"},
}
RECIPIENTS = {
    "admin@example.org": "'admin@example.org'",
    "Admin <a@example.org>; b@example.org": "'Admin <a@example.org>, b@example.org'",
    '"A; B" <a@example.org>;b@example.org,c@example.org': "'\"A; B\" <a@example.org>,b@example.org,c@example.org'",
    "O'Neil & Co/IT <a@example.org>": "'O''Neil & Co/IT <a@example.org>'",
}


@pytest.mark.parametrize("security", SECURITY)
@pytest.mark.parametrize(("recipients", "expected"), RECIPIENTS.items())
def test_amtool_accepts_the_settings(recipients: str, expected: str, security: str) -> None:
    """Amtool accepts the configuration of all settings. In it, commas separate the recipients."""
    settings = SMTP | SECURITY[security] | {"SMTP_TLS": security, "ALERT_TO": recipients}
    script = "sh start.sh check && grep -e '- to:' /tmp/alertmanager.yml"
    output = run_program("prom/alertmanager", ALERTMANAGER, "sh", "-ec", script, **settings)
    assert "SUCCESS" in output
    assert f"      - to: {expected}\n" in output


def test_each_alert_has_a_firing_and_a_quiet_case() -> None:
    """For each alert, one case expects that the alert fires, and one case expects that it does not."""
    cases = yaml.safe_load((PROMETHEUS / "tests/alerts.yml").read_text(encoding="utf-8"))["tests"]
    expected = set()
    for case in cases:
        (check,) = case["promql_expr_test"]
        name = re.match(r"(\w+) (fires|is quiet)", case["name"])
        assert name is not None
        assert f'alertname="{name[1]}"' in check["expr"]
        assert (name[2] == "fires") == bool(check["exp_samples"])
        expected.add(name.groups())
    assert {(name, outcome) for name in read_alerts() for outcome in ("fires", "is quiet")} == expected


def test_each_alert_has_a_severity_texts_and_a_section() -> None:
    """Each alert has a severity, a summary and a description, and links to its section of the runbook."""
    sections = re.findall(r"^## (\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    alerts = read_alerts()
    assert sorted(alerts) == sorted(sections)
    for name, rule in alerts.items():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
        assert f"docs/how-to/prometheus-alerts.md#{name.lower()}" == rule["annotations"]["runbook_url"]

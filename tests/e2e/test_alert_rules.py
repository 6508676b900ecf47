"""Tests of the alerts of Prometheus without a stack: promtool runs in a container."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.support.data import ROOT

PROMETHEUS = ROOT / "monitoring/prometheus"
RUNBOOK = ROOT / "docs/how-to/prometheus-alerts.md"
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def read_alerts() -> dict[str, dict[str, Any]]:
    """Return the alerting rules by name."""
    groups = yaml.safe_load((PROMETHEUS / "rules/alerts.yml").read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@pytest.mark.parametrize("command", [["check", "config", "prometheus.yml"], ["test", "rules", "tests/alerts.yml"]])
def test_promtool_accepts_configuration_and_rules(command: list[str]) -> None:
    """Promtool accepts the configuration, and each alert fires exactly in the case in which it must fire."""
    image = re.search(r"prom/prometheus:\S+", COMPOSE)
    assert image is not None
    mount = ["--volume", f"{PROMETHEUS}:/rules:ro", "--workdir", "/rules", "--network", "none"]
    run = ["docker", "run", "--rm", *mount, "--entrypoint", "promtool", image[0], *command]
    finished = subprocess.run(run, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == finished.returncode, finished.stdout + finished.stderr
    assert "SUCCESS" in finished.stdout + finished.stderr


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

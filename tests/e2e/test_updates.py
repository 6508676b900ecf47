"""Tests of `make up` if another folder runs the stack, if a setting is invalid, or if replicas are unhealthy."""

from pathlib import Path

import pytest

from tests.e2e.test_operations import LONG_RUNNING, TARGET
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("operations")


def test_another_folder_does_not_change_the_stack(stack: Stack, tmp_path: Path) -> None:
    """In a second clone with the same project name, `make` reports the conflict and does not change the stack."""
    second = Stack.create(tmp_path, stack.database, COMPOSE_PROJECT_NAME=stack.project)
    before = {c["Id"] for service in LONG_RUNNING for c in stack.containers(service)}
    for target in ("up", "clean"):
        refused = second.run("make", target)
        assert 2 == refused.returncode
        assert f"The folder {stack.folder} runs a stack with the same name" in refused.stderr
    assert before == {c["Id"] for service in LONG_RUNNING for c in stack.containers(service)}


def test_invalid_setting_keeps_the_old_replicas(stack: Stack) -> None:
    """If a setting prevents a start, `make up` fails and keeps the old replicas. It succeeds after a correction."""
    before = {c["Id"] for c in stack.containers("api")}
    settings = stack.folder / ".env"
    usual = settings.read_text()
    try:
        stack.set(SMTP_TLS="perhaps")
        refused = stack.run("make", "up")
        assert 2 == refused.returncode
        assert "SMTP_TLS" in refused.stderr
        assert before == {c["Id"] for c in stack.containers("api")}
        assert 200 == stack.get(TARGET, stack.credentials).status
    finally:
        settings.write_text(usual)
        stack.make("up")
    assert before == {c["Id"] for c in stack.containers("api")}


def test_unhealthy_replicas_are_replaced(stack: Stack) -> None:
    """`make up ROLL=1` replaces all replicas, even if one replica is stopped and another replica hangs."""
    stopped, hanging = before = [c["Id"] for c in stack.containers("api")]
    stack.run("docker", "stop", stopped)
    stack.make("up", "REPLICAS=3")
    try:
        # Suspend all processes except init, which only waits for the other processes.
        stack.run("docker", "exec", hanging, "sh", "-c", "kill -STOP -1")
        wait_until(lambda: hanging not in healthy_ids(stack), seconds=240)  # long enough for three failed health checks
    finally:
        stack.make("up", "REPLICAS=2", ROLL="1")
    assert set() == {c["Id"] for c in stack.containers("api")} & set(before)
    assert 2 == stack.healthy("api")


def healthy_ids(stack: Stack) -> set[str]:
    """Return the ids of the healthy replicas."""
    return {c["Id"] for c in stack.containers("api") if c["State"]["Health"]["Status"] == "healthy"}

"""Tests of `make up` if another folder runs the stack, if a setting is invalid, or if replicas are unhealthy."""

import socket
from pathlib import Path

import pytest

from tests.e2e.test_operations import LONG_RUNNING, TARGET
from tests.support.replicas import frozen
from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("operations")


def test_another_folder_does_not_change_the_stack(stack: Stack, tmp_path: Path) -> None:
    """In a second clone with the same project name, `make` reports the conflict and does not change the stack."""
    second = Stack.create(tmp_path, stack.database, COMPOSE_PROJECT_NAME=stack.project)
    before = containers(stack)
    for target in ("up", "clean"):
        refused = second.run("make", target)
        assert 2 == refused.returncode
        assert f"The folder {stack.folder} runs a stack with the same name" in refused.stderr
    assert before == containers(stack)


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


def test_quotes_and_dollars_in_the_settings(stack: Stack, tmp_path: Path) -> None:
    """The targets read quoted values of `.env` as Compose does, with all their characters."""
    other = Stack.create(tmp_path, stack.database, ALERT_SUBJECT="'Panne #1 : $HOME'", TZ='"Europe/Paris" # Metz')
    settings = other.run("tools/read-settings").stdout.splitlines()
    assert {"ALERT_SUBJECT=Panne #1 : $HOME", "TZ=Europe/Paris"} <= set(settings)


def containers(stack: Stack) -> set[str]:
    """Return the ids of all long-running containers."""
    return {c["Id"] for service in LONG_RUNNING for c in stack.containers(service)}


def test_wrong_settings_and_ports_change_nothing(stack: Stack) -> None:
    """If nginx, the API or Docker would refuse a setting, `make up` names it, and changes neither stack nor `.env`."""
    before, path = containers(stack), stack.folder / ".env"
    usual = path.read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wrong = {
            "CLIENT_TIMEOUT=10sec": "CLIENT_TIMEOUT is [10sec]; expected a time",
            "API_THREADS=1": "API_THREADS is [1]; expected a whole number",
            "LOG_KEEP=0": "LOG_KEEP is [0]; expected a whole number",
            "API_THREADS=500": "workers of 500 threads need",
            "SMTP_HOST=mail:25": "SMTP_HOST is [mail:25]; expected a host name",
            f"HTTP_PORT={port}": "Another program uses a port of the stack",
            f"MAIL_PORT={port}": "Another program uses a port of the stack",
        }
        for setting, sentence in wrong.items():
            refused = stack.run("make", "up", setting)
            assert (2, True) == (refused.returncode, sentence in refused.stderr), refused.stderr
    template = stack.folder / "nginx/templates/limits.conf.template"
    text = template.read_text()
    try:
        template.write_text(text + "limit_conn;\n")
        refused = stack.run("make", "up")
    finally:
        template.write_text(text)
    assert 2 == refused.returncode
    assert "nginx rejects its new configuration." in refused.stderr
    assert (before, usual) == (containers(stack), path.read_bytes())
    assert 200 == stack.get(TARGET, stack.credentials).status


def test_the_volumes_of_another_folder_are_kept(stack: Stack, tmp_path: Path) -> None:
    """After `make down`, `make clean` in a second clone reports the folder of the volumes, and keeps the volumes."""
    stack.make("down")
    try:
        refused = Stack.create(tmp_path, stack.database, COMPOSE_PROJECT_NAME=stack.project).run("make", "clean")
        left = stack.run("docker", "volume", "ls", "--quiet", "--filter", f"name={stack.project}").stdout.split()
    finally:
        # Both targets start at the same time, and one waits for the other. The shell's variables are ignored.
        other = stack.run(
            "sh", "-c", "make up & make up; wait $!", COMPOSE_FILE="/nothing", COMPOSE_PROJECT_NAME="other"
        )
    assert 2 == refused.returncode
    assert f"The folder {stack.folder} has the data of a stack with the same name" in refused.stderr
    assert 9 == len(left)
    assert 0 == other.returncode, other.stderr
    assert "make up waits for the end of make " in other.stderr
    assert 2 == other.stdout.count(f"API       http://127.0.0.1:{stack.http_port}/")


def test_up_waits_for_the_next_health_check(stack: Stack) -> None:
    """If the database was unhealthy and has recovered, `make up` waits for the next health check and succeeds."""
    database = stack.containers("db")[0]["Id"]
    with frozen(stack, database):  # makes the container unhealthy until the next check
        pass
    assert "unhealthy" == status(stack, database)
    stack.make("up")
    assert "healthy" == status(stack, database)


def status(stack: Stack, container: str) -> str:
    """Return the health of a container."""
    return stack.run("docker", "inspect", "-f", "{{.State.Health.Status}}", container).stdout.strip()


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

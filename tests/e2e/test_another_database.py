"""A test that replaces the database of a separate stack with another database."""

from pathlib import Path

import pytest

from tests.support.stack import Stack
from tests.support.traffic import constant_rate

TARGET = "/?married=yes&children=3&salary=200000"
PUBLISHED = 42842  # the tax of the household in TARGET


@pytest.mark.usefixtures("turn")
def test_change_of_database(tmp_path: Path) -> None:
    """`make up DB=mysql` permanently replaces a running PostgreSQL database with MySQL, and no request fails.

    Afterwards `make clean` removes all volumes.
    """
    stack = Stack.create(tmp_path, "postgres")
    try:
        stack.make("up", "REPLICAS=1")
        assert ["postgres"] == databases(stack)
        version = schedules_version(stack)
        with constant_rate(stack, 50, 1):
            stack.make("up", "DB=mysql")
        assert ["mysql"] == databases(stack)
        assert version == schedules_version(stack)
        before = ids(stack)
        stack.make("up")
        assert ["mysql"] == databases(stack)
        assert before == ids(stack)
        assert version == schedules_version(stack)
        kept = volumes(stack)
    finally:
        stack.make("clean")
    assert {f"{stack.project}_{name}" for name in ("postgres-data", "mysql-data")} <= kept
    assert set() == volumes(stack)


def databases(stack: Stack) -> list[str]:
    """Return the image names of the database containers, including stopped containers."""
    return [container["Config"]["Image"].partition(":")[0] for container in stack.containers("db")]


def schedules_version(stack: Stack) -> str:
    """Assert a correct response and a healthy service, and return the version of the schedules."""
    answer = stack.get(TARGET, stack.credentials)
    assert PUBLISHED == answer.body["response"]["result"]["tax"]
    assert [] == stack.get("/health/ready").body["response"]["degraded"]
    return answer.headers["x-schedules-version"]


def ids(stack: Stack) -> set[str]:
    """Return the ids of the running containers."""
    return set(stack.compose("ps", "--quiet").split())


def volumes(stack: Stack) -> set[str]:
    """Return the volumes whose names contain the project's name."""
    listed = stack.run("docker", "volume", "ls", "--quiet", "--filter", f"name={stack.project}")
    assert 0 == listed.returncode, listed.stderr
    return set(listed.stdout.split())

"""The stack, once with each database; skipped only where no Docker engine answers and none is required."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Open, chromium, tab
from tests.support.family import QUERY
from tests.support.stack import Stack

HERE = Path(__file__).parent


def engine_answers() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("REQUIRE_DOCKER") or engine_answers():
        return
    reason = "no Docker engine answers: the tests of the stack in containers do not run (REQUIRE_DOCKER=1 forbids this)"
    for item in items:
        if item.path.is_relative_to(HERE):  # the items are those of the whole session
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", params=["postgres", "mysql"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack as shipped, up and healthy."""
    running = Stack.create(tmp_path_factory.mktemp(request.param), request.param)
    try:
        running.make("up", f"DB={request.param}")
        yield running
    finally:
        running.make("clean")
        left = running.run("docker", "volume", "ls", "--quiet", "--filter", f"name={running.project}").stdout
        assert "" == left


@pytest.fixture(scope="module")
def credentials(stack: Stack) -> str:
    return stack.credentials


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def opened(stack: Stack, browser: Browser) -> Open:
    """Opens tabs of the stack, logged in."""
    origin, credentials = f"http://127.0.0.1:{stack.http_port}", stack.credentials
    return lambda **options: tab(browser, origin, credentials, **options)


@pytest.fixture(scope="module")
def family(stack: Stack) -> dict[str, Any]:
    """What the API answers for the household that the tests of the pages enter."""
    result: dict[str, Any] = stack.get(f"/?{QUERY}", stack.credentials).body["response"]["result"]
    return result

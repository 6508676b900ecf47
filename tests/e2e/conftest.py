"""Fixtures that start one stack per profile and database.

If no Docker engine answers, pytest skips the tests. With REQUIRE_DOCKER=1 pytest runs the tests anyway.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Open, chromium, tab
from tests.support.budget import REQUIRED, THOROUGH
from tests.support.family import QUERY
from tests.support.profiles import PROFILES
from tests.support.stack import Stack, take_turn

HERE = Path(__file__).parent
DATABASES = ("postgres", "mysql")


def engine_answers() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize each test with the stack of the test's profile.

    Use both databases in a thorough run and for a test with the mark `both_databases`, and otherwise only PostgreSQL.
    Group the tests by stack, because pytest-xdist must run all tests of a stack in one process.
    """
    if "stack" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("profile")
    profile = mark.args[0] if mark else "shipped"
    both = THOROUGH or metafunc.definition.get_closest_marker("both_databases")
    # All profiles without settings use the MySQL stack of the profile `shipped`, because few tests use MySQL.
    with_mysql = profile if PROFILES[profile] else "shipped"
    stacks = [(profile, "postgres"), (with_mysql, "mysql")][: 2 if both else 1]
    named = {"-".join(stack): stack for stack in stacks}
    parameters = [pytest.param(stack, id=name, marks=pytest.mark.xdist_group(name)) for name, stack in named.items()]
    metafunc.parametrize("stack", parameters, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by stack, in the order of the profiles.

    If no Docker engine answers and REQUIRE_DOCKER=1 is not set, skip the tests in this folder.
    """
    items.sort(key=rank_stack)
    if REQUIRED or engine_answers():
        return
    reason = "no Docker engine answers, so the tests of the stack are skipped; set REQUIRE_DOCKER=1 to run them anyway"
    for item in items:
        if item.path.is_relative_to(HERE):  # `items` also contains the tests of other folders
            item.add_marker(pytest.mark.skip(reason=reason))


def rank_stack(item: pytest.Item) -> int:
    """Return the position of a test's stack in the order in which the stacks start, or -1 if the test uses no stack."""
    call = getattr(item, "callspec", None)
    if call is None or "stack" not in call.params or not item.path.is_relative_to(HERE):
        return -1
    profile, database = call.params["stack"]
    return 2 * list(PROFILES).index(profile) + DATABASES.index(database)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the stack of a profile, and yield the stack when it is healthy."""
    profile, database = request.param
    with Stack.running(tmp_path_factory.mktemp(profile), database, **PROFILES[profile]) as running:
        yield running


@pytest.fixture
def turn() -> Iterator[None]:
    """Wait until no other test runs a further stack."""
    with take_turn():
        yield


@pytest.fixture(scope="module")
def credentials(stack: Stack) -> str:
    return stack.credentials


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def opened(stack: Stack, browser: Browser) -> Open:
    """Return a function that opens a browser tab. The tab sends the client's credentials to the stack."""
    origin, credentials = f"http://127.0.0.1:{stack.http_port}", stack.credentials
    return lambda **options: tab(browser, origin, credentials, forwarded=True, **options)


@pytest.fixture(scope="module")
def family(stack: Stack) -> dict[str, Any]:
    """Return the API's result for the household that the page tests enter."""
    result: dict[str, Any] = stack.get(f"/?{QUERY}", stack.credentials).body["response"]["result"]
    return result

"""Fixtures that start one service per test process and one real browser per test file."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Open, chromium, tab
from tests.support.family import QUERY
from tests.support.service import Service, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the running service with a link to the mail page. No test changes the service's state."""
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, MAIL_PAGE="http://127.0.0.1:8025/") as running:
        yield running


# Close the browser after each file, because an open Playwright keeps an event loop running in the tests' thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def opened(service: Service, browser: Browser) -> Open:
    """Return a function that opens a browser tab. The tab sends the credentials of the service."""
    return lambda **options: tab(browser, f"http://127.0.0.1:{service.port}", service.credentials, **options)


@pytest.fixture(scope="module")
def family(service: Service) -> dict[str, Any]:
    """Return the API's result for the household that the tests enter."""
    result: dict[str, Any] = service.get(f"/?{QUERY}").body["response"]["result"]
    return result

"""The service with a real browser: one service for all tests of a process, one browser for those of a file."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Open, chromium, tab
from tests.support.family import QUERY
from tests.support.service import Service, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with a link to the mail page; no test changes its state."""
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, MAIL_PAGE="http://127.0.0.1:8025/") as running:
        yield running


@pytest.fixture(scope="module")  # Playwright keeps an event loop running in the thread of the tests meanwhile
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def opened(service: Service, browser: Browser) -> Open:
    """A function that opens tabs of the service with a login."""
    return lambda **options: tab(browser, f"http://127.0.0.1:{service.port}", service.credentials, **options)


@pytest.fixture(scope="module")
def family(service: Service) -> dict[str, Any]:
    """The API's result for the household that the tests enter."""
    result: dict[str, Any] = service.get(f"/?{QUERY}").body["response"]["result"]
    return result

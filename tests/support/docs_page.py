"""Actions on the operations of the page /docs: expand, execute and collapse."""

from typing import Any

from playwright.sync_api import Locator, expect

from tests.support.browser import Tab
from tests.support.service import Service


def operations(service: Service) -> list[tuple[str, str]]:
    """Return the tag and the name of every operation in the API's description."""
    paths: dict[str, Any] = service.get("/openapi.json").body["paths"]
    return [(each["tags"][0], each["operationId"]) for path in paths.values() for each in path.values()]


def expand(tab: Tab, tag: str, name: str) -> Locator:
    """Expand an operation and return its element."""
    operation = tab.page.locator(f"#operations-{tag}-{name}")
    operation.locator(".opblock-summary-control").click()
    return operation


def execute(operation: Locator) -> str:
    """Execute an operation with its example values, assert the status 200, and return the displayed response."""
    with operation.page.expect_response(lambda response: not response.url.startswith("data:")) as answer:
        operation.get_by_role("button", name="Execute").click()
    assert 200 == answer.value.status
    expect(operation.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
    return operation.locator(".live-responses-table .response-col_description pre").first.inner_text()


def close(operation: Locator) -> None:
    """Collapse an operation, because a long response on the page slows down the browser."""
    operation.locator(".opblock-summary-control").click()
    expect(operation.locator(".opblock-body")).to_have_count(0)

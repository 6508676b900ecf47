"""Tests that execute API calls on the page of the API documentation in a real browser."""

import re

from playwright.sync_api import expect

from income_tax.http.openapi.document import EXAMPLES
from tests.support.browser import Open
from tests.support.docs_page import close, execute, expand, operations
from tests.support.service import Service

COLLECTED = EXAMPLES["family"].answer["response"]["result"]["collected"]


def test_every_call_can_be_tried(opened: Open, service: Service) -> None:
    """If the user executes an operation with its example values, the page shows the API's successful response."""
    found = operations(service)
    assert {"calculate", "calculate_posted", "curve", "schedule", "status"} <= {name for _, name in found}
    with opened() as tab:
        tab.open("/docs")
        assert tab.text("#swagger-ui h2.title, #swagger-ui h1").startswith("French income tax")
        for tag, name in found:
            operation = expand(tab, tag, name)
            answer = execute(operation)
            close(operation)
            assert answer
            assert name != "calculate" or f'"collected": {COLLECTED}' in answer


def test_commands_contain_a_login(opened: Open) -> None:
    """The commands for three shells contain a login to replace, or the login that the user authorized."""
    with opened() as tab:
        tab.open("/docs")
        operation = expand(tab, "calculation", "calculate")
        execute(operation)
        command = operation.locator(".request-snippets pre")
        for name, start in [
            ("bash", "curl -u 'LOGIN"),
            ("PowerShell", "curl.exe -u 'LOGIN"),
            ("CMD", 'curl -u "LOGIN'),
        ]:
            tab.page.get_by_role("button", name=f"cURL ({name})").press("Enter")
            expect(command).to_contain_text(start)
        tab.page.locator(".auth-wrapper .authorize").click()
        tab.page.get_by_label("Username").fill("client")
        tab.page.get_by_label("Password").fill("secret")
        tab.page.locator(".auth-btn-wrapper .authorize").click()
        tab.page.locator(".btn-done").click()
        execute(operation)
        expect(command).to_contain_text("Authorization: Basic")
        expect(command).not_to_contain_text("LOGIN")


def test_csv_can_be_posted(opened: Open) -> None:
    """The text box contains a valid example body of the selected media type, CSV or JSON."""
    with opened() as tab:
        tab.open("/docs")
        operation = expand(tab, "calculation", "calculate_posted")
        kind, box = operation.get_by_label("Request content type"), operation.locator("textarea")
        kind.select_option("text/csv")
        expect(box).to_have_value(re.compile("^[a-z_]+,.*\n"))
        execute(operation)
        kind.select_option("application/json")
        expect(box).to_have_value(re.compile(r"^[{\[]"))
        execute(operation)

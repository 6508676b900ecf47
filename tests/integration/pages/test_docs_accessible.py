"""Accessibility of the API documentation in a real browser."""

import pytest

from tests.support.browser import Open
from tests.support.docs_page import execute, expand, operations
from tests.support.service import Service


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(opened: Open, service: Service, scheme: str) -> None:
    """axe-core finds no serious violation before and after the operations are expanded and executed."""
    with opened(color_scheme=scheme) as tab:
        tab.open("/docs")
        assert [] == tab.serious()
        for tag, name in operations(service):
            operation = expand(tab, tag, name)
            if name in ("calculate", "live"):
                execute(operation)
        assert [] == tab.serious()

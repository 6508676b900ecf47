"""A fixture that starts the service for the tests of one module."""

from collections.abc import Iterator

import pytest

from tests.support.service import Service, running_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the running service with default settings."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running

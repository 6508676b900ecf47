"""The real service, which the tests of a file share."""

from collections.abc import Iterator

import pytest

from tests.support.service import Service, running_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with its defaults."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running

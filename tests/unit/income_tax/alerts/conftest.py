"""Fixtures for the alert tests."""

import pytest

from income_tax.alerts.spool import Spool
from tests.unit.income_tax.alerts.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def spool() -> Spool:
    return Spool(None)

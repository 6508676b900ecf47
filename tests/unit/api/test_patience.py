"""How long a busy SQLite file is waited for."""

import pytest

from income_tax.storage import sqlite_retry


@pytest.mark.parametrize(("pause", "expected"), [(0.05, 40), (0.01, 200), (10.0, 40)])
def test_a_standstill_costs_one_round(monkeypatch: pytest.MonkeyPatch, pause: float, expected: int) -> None:
    """Two seconds in short rounds; one in which the whole machine stood still for ten counts as a short one."""
    now = 1000.0
    monkeypatch.setattr("income_tax.storage.sqlite_retry.time.monotonic", lambda: now)
    count = 0
    for _ in sqlite_retry.rounds():
        count += 1
        now += pause
    assert count == pytest.approx(expected, abs=1)

"""How long a busy SQLite file is waited for."""

import pytest

from income_tax.store import patience


@pytest.mark.parametrize(("pause", "expected"), [(0.05, 40), (0.01, 200), (10.0, 40)])
def test_a_standstill_costs_one_round(monkeypatch: pytest.MonkeyPatch, pause: float, expected: int) -> None:
    """Two seconds in short rounds; one in which the whole machine stood still for ten counts as a short one."""
    now = 1000.0
    monkeypatch.setattr("income_tax.store.patience.time.monotonic", lambda: now)
    count = 0
    for _ in patience.rounds():
        count += 1
        now += pause
    assert count == pytest.approx(expected, abs=1)

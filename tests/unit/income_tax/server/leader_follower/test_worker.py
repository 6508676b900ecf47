"""A worker delays and limits accept(), so that connections are distributed fairly between workers."""

from types import SimpleNamespace

import pytest

from income_tax.server.leader_follower import worker
from income_tax.server.leader_follower.worker import BUSY_DELAY, FULL_DELAY, LeaderFollowerWorker
from tests.support.fakes import FakeClock


class Sharing(LeaderFollowerWorker):
    """Worker with eight threads that counts connections instead of accepting them."""

    def __init__(self) -> None:
        self.cfg, self.sockets, self._accepting = SimpleNamespace(threads=8), list[object](), True
        self.nr_conns, self._accept_after, self._has_delayed = 0, 0.0, False
        self.taken: list[int] = []

    def _accept(self, _listener: object, most: int) -> None:
        self.taken.append(most)
        self.nr_conns += most


def test_a_busy_worker_delays_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy worker delays accept(). Each call at most doubles the connections and accepts at most one per thread."""
    clock, pauses, sharing = FakeClock(), list[float](), Sharing()
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=clock, sleep=pauses.append))
    for _ in range(4):
        sharing.accept(None)
    assert ([1, 1, 2, 4], [BUSY_DELAY] * 3) == (sharing.taken, pauses)
    for handful in (1, 2):
        sharing.accept(None)
        assert ([8] * (handful - 1), False) == (sharing.taken[4:], sharing._accepting)
        sharing.set_accept_enabled(True)
        assert not sharing._accepting
        clock.now += FULL_DELAY
        sharing.set_accept_enabled(True)
        assert sharing._accepting
        sharing.accept(None)
        assert [8] * handful == sharing.taken[4:]
    assert [BUSY_DELAY] * 3 == pauses

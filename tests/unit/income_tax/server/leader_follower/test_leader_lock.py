"""The lead of a worker's threads, and connections that never keep the leader waiting."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from income_tax.server.leader_follower.leader_lock import LeaderLock, ReleaseLeadershipMiddleware

PATIENCE = 30.0  # seconds


def test_one_thread_leads_until_it_passes_on() -> None:
    """A thread that wants the lead gets it when the leader passes it on; asking for what one has changes nothing."""
    lock = LeaderLock()
    with ThreadPoolExecutor(1) as other:
        lock.acquire()
        lock.acquire()
        assert lock.is_held
        assert not other.submit(lambda: lock.is_held).result()
        follower = other.submit(lock.acquire)
        assert not follower.done()
        lock.release()
        follower.result(PATIENCE)
        assert (False, True) == (lock.is_held, other.submit(lambda: lock.is_held).result())
        lock.release()
        assert other.submit(lambda: lock.is_held).result(), "only who has it can pass it on"


def test_what_may_take_longer_passes_the_lead_on() -> None:
    """An application that takes its time is called by a thread that leads no more."""
    lock, held = LeaderLock(), list[bool]()

    def app(_environ: Any, _start: Any) -> list[bytes]:
        held.append(lock.is_held)
        return [b"done"]

    lock.acquire()
    assert [b"done"] == list(ReleaseLeadershipMiddleware(app, lock)({}, lambda *_: lambda _: None))
    assert [False] == held

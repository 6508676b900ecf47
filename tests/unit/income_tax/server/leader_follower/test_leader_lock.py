"""The leader lock of a worker's threads."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from income_tax.server.leader_follower.leader_lock import LeaderLock

PATIENCE = 30.0  # maximum wait in seconds


def test_one_thread_leads_until_it_releases_the_lock() -> None:
    """A follower becomes the leader when the leader releases the lock. Acquiring the lock twice changes nothing."""
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
        assert other.submit(lambda: lock.is_held).result(), "a thread that does not hold the lock must not release it"


def test_the_middleware_releases_the_lock() -> None:
    """The middleware releases the lock before it calls the application."""
    lock, held = LeaderLock(), list[bool]()

    def app(_environ: Any, _start: Any) -> list[bytes]:
        held.append(lock.is_held)
        return [b"done"]

    lock.acquire()
    assert [b"done"] == list(lock.release_before(app)({}, lambda *_: lambda _: None))
    assert [False] == held

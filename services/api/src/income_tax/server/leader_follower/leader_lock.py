"""The leader lock of a worker. The leader thread, which holds the lock, waits for requests and answers them.

The leader answers short requests without releasing the lock, so no other thread wakes up or competes for the GIL.
Before a blocking call the leader releases the lock, and a follower becomes the leader. (Schmidt, Stal, Rohnert,
Buschmann: Pattern-Oriented Software Architecture, volume 2, "Leader/Followers".)
"""

from collections.abc import Callable
from threading import Lock, Thread, local


class LeaderLock:
    """A lock that one thread of a process holds at a time. Both methods are idempotent."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of_thread = local()

    @property
    def is_held(self) -> bool:
        """Whether this thread is the leader."""
        return getattr(self._of_thread, "is_held", False)

    def acquire(self) -> None:
        """Wait until this thread is the leader. Return immediately if this thread already is the leader."""
        if not self.is_held:
            self._lock.acquire()
            self._of_thread.is_held = True

    def release(self) -> None:
        """Release leadership if this thread is the leader."""
        if self.is_held:
            self._of_thread.is_held = False
            self._lock.release()


class FollowerThreads:
    """The threads of a worker, with the interface of gunicorn's thread pool."""

    def __init__(self, size: int, work: Callable[[], None]) -> None:
        self._threads = [Thread(target=work, name=f"Thread-{number}", daemon=True) for number in range(1, size + 1)]

    def start(self) -> None:
        """Start all threads."""
        for thread in self._threads:
            thread.start()

    def shutdown(self, wait: bool = False) -> None:
        """Do nothing, because the threads end with the process after the graceful timeout."""

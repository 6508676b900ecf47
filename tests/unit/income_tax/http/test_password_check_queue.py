"""Simultaneous password guesses leave threads free for other requests and hardly delay correct credentials."""

import threading
from collections import Counter
from concurrent.futures import Future

import pytest

from income_tax.http.auth import basic_auth, password_check_queue
from income_tax.http.auth.basic_auth import RetryLater
from tests.support.fakes import build_counters
from tests.support.waiting import wait_until
from tests.unit.income_tax.http.authenticators import HERE, THERE, LocalAuthenticator, make_suspect

THREADS = 8


class Crowd:
    """Threads that verify credentials at the same time. Each check blocks until the test calls `end`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, suspects: int = 0) -> None:
        self.authenticator = LocalAuthenticator({"ann": "scrypt:x"}, threads=THREADS)
        for number in range(suspects):
            make_suspect(self.authenticator, f"192.0.2.{number}")
        self.go = threading.Event()
        self.checked: list[str] = []
        self.outcomes: list[str] = []
        self.threads: list[threading.Thread] = []
        self.followers = followers = list[object]()

        class CountingFuture(Future[bool]):
            def result(self, timeout: float | None = None) -> bool:
                if not self.done():
                    followers.append(self)
                return super().result(timeout)

        monkeypatch.setattr(password_check_queue, "Future", CountingFuture)
        monkeypatch.setattr(basic_auth, "check_password_hash", self._check)

    def _check(self, _stored: str, password: str) -> bool:
        self.checked.append(password)
        assert self.go.wait(60)
        return password == "secret"

    def verify(self, password: str, address: str = HERE) -> None:
        def work() -> None:
            try:
                self.outcomes.append("in" if self.authenticator.verify("ann", password, address) else "wrong")
            except RetryLater as later:
                assert 1 == later.seconds
                self.outcomes.append("busy")

        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()

    @property
    def waiting(self) -> int:
        """Return the number of threads that run a check, wait for their turn, or share another thread's check."""
        return len(self.authenticator.queue._checks) + len(self.followers)

    def settle(self) -> None:
        """Wait until each thread is rejected, runs a check, or waits for a check."""
        wait_until(lambda: len(self.outcomes) + self.waiting >= len(self.threads))

    def end(self) -> dict[str, int]:
        self.go.set()
        for thread in self.threads:
            thread.join()
        return Counter(self.outcomes)


def test_many_threads_of_one_client_share_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty threads with the same credentials share one check, and no thread is rejected."""
    crowd = Crowd(monkeypatch)
    for _ in range(50):
        crowd.verify("secret")
    crowd.settle()
    assert ({"in": 50}, ["secret"]) == (crowd.end(), crowd.checked)


def test_error_of_a_shared_check_reaches_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thread that shares a check raises the check's error, and the queue stays usable."""
    queue, go = password_check_queue.PasswordCheckQueue(THREADS, build_counters()), threading.Event()
    errors: list[str] = []

    def check() -> bool:
        assert go.wait(60)
        raise OSError("disk")

    def work() -> None:
        try:
            queue.run(b"same", HERE, False, check)
        except OSError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert ["disk"] * 3 == errors
    assert queue.run(b"same", HERE, False, lambda: True)
    assert ({}, []) == (queue._checks, queue._places)


def test_guessers_leave_threads_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses from fifty addresses occupy at most three quarters of the threads. Further guesses are rejected."""
    crowd = Crowd(monkeypatch)
    for number in range(50):
        crowd.verify(f"guess {number}", f"192.0.2.{number}")
    crowd.settle()
    assert crowd.waiting <= THREADS * 3 / 4
    assert {"wrong": 6, "busy": 44} == crowd.end()


def test_one_address_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Different guesses from one address occupy at most a quarter of the threads, and other addresses are served."""
    crowd = Crowd(monkeypatch)
    for number in range(20):
        crowd.verify(f"guess {number}")
    crowd.verify("secret", THERE)
    crowd.settle()
    assert {"wrong": 2, "in": 1, "busy": 18} == crowd.end()


def test_another_login_precedes_waiting_suspects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Suspect addresses occupy at most half of the threads. A request from another address waits for only one check."""
    crowd = Crowd(monkeypatch, suspects=20)
    for number in range(20):
        crowd.verify(f"guess {number}", f"192.0.2.{number}")
    crowd.settle()
    crowd.verify("secret", "198.51.100.1")
    wait_until(lambda: crowd.authenticator.queue._others_waiting == 1)
    assert {"wrong": 4, "in": 1, "busy": 16} == crowd.end()
    assert "secret" == crowd.checked[1], "the check of 'secret' must directly follow the first check"


def test_equal_guesses_of_a_suspect_leave_threads_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many requests with the same guess from a suspect address occupy at most a quarter of the threads."""
    crowd = Crowd(monkeypatch, suspects=2)
    for _ in range(20):
        crowd.verify("guess again", HERE)
    crowd.settle()
    assert crowd.waiting <= THREADS / 4
    assert {"wrong": 2, "busy": 18} == crowd.end()

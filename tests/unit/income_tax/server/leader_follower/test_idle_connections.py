"""Tests of connections that never block the leader, and of idle connections that wait for a request."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from income_tax.server.leader_follower.idle_connections import (
    Connection,
    IdleConnections,
    NullConnection,
    ReadinessPoller,
    SelectorPoller,
)
from income_tax.server.leader_follower.leader_lock import LeaderLock

PATIENCE = 30.0  # maximum wait in seconds


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket, LeaderLock]]:
    """Yield a connection, its peer, and the leader lock, which the current thread holds."""
    ours, peer = socket.socketpair()
    lock = LeaderLock()
    lock.acquire()
    with Connection(ours, lock) as connection, peer:
        yield connection, peer, lock


Pair = tuple[Connection, socket.socket, LeaderLock]


def test_the_leader_reads_and_sends_without_releasing(pair: Pair) -> None:
    """The leader does not release the lock while it reads bytes that have arrived or sends a short response."""
    connection, peer, lock = pair
    peer.sendall(b"question")
    assert b"question" == connection.recv(100)
    connection.sendall(b"answer")
    assert b"answer" == peer.recv(100)
    assert lock.is_held


def test_waiting_for_a_peer_releases_the_lock(pair: Pair) -> None:
    """The leader releases the lock while it waits for its peer, and no byte is lost."""
    connection, peer, lock = pair
    with ThreadPoolExecutor(1) as other:
        late = other.submit(lambda: (lock.acquire(), peer.sendall(b"late"), lock.release()))
        assert b"late" == connection.recv(100)
        late.result(PATIENCE)
        assert not lock.is_held
        lock.acquire()
        data = bytes(range(256)) * 40_000

        def read() -> bytes:
            lock.acquire()  # wait until the sender has released the lock
            lock.release()
            received = b""
            while len(received) < len(data):
                received += peer.recv(2**20)
            return received

        reader = other.submit(read)
        connection.sendall(data)
        assert not lock.is_held
        assert data == reader.result(PATIENCE)


def test_a_timeout_is_set_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting an unchanged timeout makes no system call."""
    connection, _, _ = pair
    told = list[float | None]()
    real = socket.socket.settimeout
    monkeypatch.setattr(socket.socket, "settimeout", lambda s, value: (told.append(value), real(s, value)))
    connection.setblocking(True)
    connection.settimeout(None)
    connection.settimeout(2.0)
    connection.settimeout(2.0)
    connection.setblocking(True)
    connection.setblocking(False)
    assert [2.0, None, 0.0] == told


def conn(number: int, timeout: float = 1.0) -> Any:
    """Build an object with the attributes of a gunicorn connection."""
    return SimpleNamespace(sock=SimpleNamespace(fileno=lambda: number), timeout=timeout)


def test_idle_connections_are_claimed_once() -> None:
    """A connection can be claimed only once. The connection that has waited longest comes first."""
    waiting, first, second = IdleConnections(), conn(7), conn(8)
    assert (0, NullConnection) == (len(waiting), waiting[0])
    waiting.add(first)
    waiting.add(second)
    assert (2, first, [first, second]) == (len(waiting), waiting[0], list(waiting))
    assert (first, None) == (waiting.claim(7), waiting.claim(7))
    assert second is waiting[0]


@pytest.mark.parametrize("kind", [ReadinessPoller, SelectorPoller])
def test_each_readiness_is_reported_once(kind: type[ReadinessPoller]) -> None:
    """A readable connection is reported once, and again after a rearm. An unregistered connection is not reported."""
    calls = kind()
    ours, peer = socket.socketpair()
    other, silent = socket.socketpair()
    with ours, peer, other, silent:
        calls.register(ours.fileno())
        calls.register(other.fileno())
        assert [] == calls.poll(0)
        peer.sendall(b"x")
        assert [ours.fileno()] == calls.poll(PATIENCE)
        assert [] == calls.poll(0)
        calls.rearm(ours.fileno())
        assert [ours.fileno()] == calls.poll(PATIENCE)
        calls.unregister(other.fileno())
    assert [] == calls.poll(0)

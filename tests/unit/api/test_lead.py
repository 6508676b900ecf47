"""The lead of a worker's threads, and connections that never keep the leader waiting."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from income_tax.server.leader_follower.idle_connections import Calls, Connection, Nobody, PortableCalls, Waiting
from income_tax.server.leader_follower.leader_lock import Lead, Unhurried

PATIENCE = 30.0  # seconds


def test_one_thread_leads_until_it_passes_on() -> None:
    """A thread that wants the lead gets it when the leader passes it on; asking for what one has changes nothing."""
    lead = Lead()
    with ThreadPoolExecutor(1) as other:
        lead.take()
        lead.take()
        assert lead.held
        assert not other.submit(lambda: lead.held).result()
        follower = other.submit(lead.take)
        assert not follower.done()
        lead.pass_on()
        follower.result(PATIENCE)
        assert (False, True) == (lead.held, other.submit(lambda: lead.held).result())
        lead.pass_on()
        assert other.submit(lambda: lead.held).result(), "only who has it can pass it on"


def test_what_may_take_longer_passes_the_lead_on() -> None:
    """An application that takes its time is called by a thread that leads no more."""
    lead, held = Lead(), list[bool]()

    def app(_environ: Any, _start: Any) -> list[bytes]:
        held.append(lead.held)
        return [b"done"]

    lead.take()
    assert [b"done"] == list(Unhurried(app, lead)({}, lambda *_: lambda _: None))
    assert [False] == held


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket, Lead]]:
    """A connection, its peer, and the lead, which this thread has."""
    ours, peer = socket.socketpair()
    lead = Lead()
    lead.take()
    with Connection(ours, lead) as connection, peer:
        yield connection, peer, lead


Pair = tuple[Connection, socket.socket, Lead]


def test_what_has_come_is_read_by_the_leader(pair: Pair) -> None:
    """Bytes that are there already are read, and short answers sent, without the lead being passed on."""
    connection, peer, lead = pair
    peer.sendall(b"question")
    assert b"question" == connection.recv(100)
    connection.sendall(b"answer")
    assert b"answer" == peer.recv(100)
    assert lead.held


def test_waiting_for_a_peer_passes_the_lead_on(pair: Pair) -> None:
    """Who has to wait for bytes, or for a peer that does not read, leads no more, and nothing is lost."""
    connection, peer, lead = pair
    with ThreadPoolExecutor(1) as other:
        late = other.submit(lambda: (lead.take(), peer.sendall(b"late"), lead.pass_on()))
        assert b"late" == connection.recv(100)
        late.result(PATIENCE)
        assert not lead.held
        lead.take()
        data = bytes(range(256)) * 40_000

        def read() -> bytes:
            lead.take()  # there is nobody to read before the sender has passed it on
            lead.pass_on()
            received = b""
            while len(received) < len(data):
                received += peer.recv(2**20)
            return received

        reader = other.submit(read)
        connection.sendall(data)
        assert not lead.held
        assert data == reader.result(PATIENCE)


def test_a_time_out_is_set_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system is told of a time-out, or that there is none, only when that is new."""
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
    """What gunicorn makes of a connection."""
    return SimpleNamespace(sock=SimpleNamespace(fileno=lambda: number), timeout=timeout)


def test_waiting_connections_are_claimed_once() -> None:
    """Whoever claims a connection has it alone; the first is the one that has waited longest."""
    waiting, first, second = Waiting(), conn(7), conn(8)
    assert (0, Nobody) == (len(waiting), waiting[0])
    waiting.add(first)
    waiting.add(second)
    assert (2, first, [first, second]) == (len(waiting), waiting[0], list(waiting))
    assert (first, None) == (waiting.claim(7), waiting.claim(7))
    assert second is waiting[0]


@pytest.mark.parametrize("kind", [Calls, PortableCalls])
def test_each_call_is_told_once(kind: type[Calls]) -> None:
    """A connection with something to say is told of once, again when it is watched again, never when forgotten."""
    calls = kind()
    ours, peer = socket.socketpair()
    other, silent = socket.socketpair()
    with ours, peer, other, silent:
        calls.watch(ours.fileno())
        calls.watch(other.fileno())
        assert [] == calls.wait(0)
        peer.sendall(b"x")
        assert [ours.fileno()] == calls.wait(PATIENCE)
        assert [] == calls.wait(0)
        calls.watch_again(ours.fileno())
        assert [ours.fileno()] == calls.wait(PATIENCE)
        calls.forget(other.fileno())
    assert [] == calls.wait(0)

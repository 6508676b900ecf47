"""A fast server on the loopback that answers right, but for the troubles that a test scripts by the request's turn."""

import asyncio
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.tax_client.fake_server import PUBLISHED, result_body

BODIES = {
    f"married={row['married']}&children={row['children']}&salary={row['salary']}".encode(): {
        name: value for name, value in row.items() if name != "id"
    }
    for row in PUBLISHED
}
RIGHT = {query: result_body(row) for query, row in BODIES.items()}
WRONG = {query: result_body(row | {"tax": row["tax"] + 1}) for query, row in BODIES.items()}


@dataclass(frozen=True)
class Troubles:
    """Which requests, by their turn from 1 on, get what; 0 or empty: none."""

    wrong_every: int = 0
    slow_every: int = 0
    slow_seconds: float = 0.5
    refused: frozenset[int] = frozenset()  # status 503
    retry_after: int = 0  # seconds that a refusal asks for
    reset: frozenset[int] = frozenset()  # the connection, before any byte of the answer
    stall_at: int = 0  # from that request on nobody is answered
    stall_seconds: float = 0.0


@dataclass
class Troubled:
    """The running server: its address, what it did, and the ids of wrong answers."""

    url: str = ""
    did: Counter[str] = field(default_factory=Counter)
    wrong_ids: set[str] = field(default_factory=set)
    ids: list[bytes] = field(default_factory=list)
    open: set[asyncio.Transport] = field(default_factory=set)


class Connection(asyncio.Protocol):
    """One connection; a request comes in one piece, and only after the answer to the one before."""

    def __init__(self, troubles: Troubles, seen: Troubled) -> None:
        self._troubles, self._seen = troubles, seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._seen.open.add(transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """The client has left, or is left."""
        self._seen.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer, or do what the turn asks for."""
        seen, troubles = self._seen, self._troubles
        request_id = data.partition(b"X-Request-ID: ")[2].partition(b"\r")[0]
        seen.ids.append(request_id)
        turn, query = len(seen.ids), data.partition(b"?")[2].partition(b" ")[0]
        if turn in troubles.reset:
            seen.did["reset"] += 1
            linger = struct.pack("ii", 1, 0)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        elif turn in troubles.refused:
            seen.did["refused"] += 1
            asked = b"\r\nRetry-After: %d" % troubles.retry_after if troubles.retry_after else b""
            self._answer(b"503 Service Unavailable" + asked, b'{"response": {"errors": ["busy"]}}')
        elif troubles.slow_every and turn % troubles.slow_every == 0:
            seen.did["slow"] += 1
            later = asyncio.get_running_loop().call_later
            later(troubles.slow_seconds, self._answer, b"200 OK", RIGHT[query])
        elif troubles.wrong_every and turn % troubles.wrong_every == 1:
            seen.did["wrong"] += 1
            seen.wrong_ids.add(request_id.decode())
            self._answer(b"200 OK", WRONG[query])
        else:
            if turn == troubles.stall_at:
                time.sleep(troubles.stall_seconds)
            self._answer(b"200 OK", RIGHT[query])

    def _answer(self, status: bytes, body: bytes) -> None:
        self._transport.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


@contextmanager
def troubled(troubles: Troubles) -> Iterator[Troubled]:
    """The server, until the context ends."""
    seen, loop, ready = Troubled(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> asyncio.Server:
        return await loop.create_server(lambda: Connection(troubles, seen), "127.0.0.1", 0)

    def run() -> None:
        server = loop.run_until_complete(serve())
        seen.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        loop.run_forever()
        loop.run_until_complete(hang_up(server))
        loop.close()

    async def hang_up(server: asyncio.Server) -> None:
        """Take the connections that are just being accepted, too, then end all of them."""
        while accepting := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*accepting)
        server.close()  # not before: what a closed server is still accepting it drops without closing it
        while seen.open:
            for transport in seen.open:
                transport.abort()
            await asyncio.sleep(0)  # in which they close

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(30)
    try:
        yield seen
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

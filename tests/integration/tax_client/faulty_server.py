"""A fast server on the loopback interface. A test chooses the numbers of the requests at which faults occur."""

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
class Faults:
    """The requests at which each fault occurs, numbered from 1. The value 0 or an empty set disables a fault."""

    wrong_every: int = 0
    slow_every: int = 0
    slow_seconds: float = 0.5
    refused: frozenset[int] = frozenset()  # the requests that get a status 503
    retry_after: int = 0  # seconds in the Retry-After header of a 503
    reset: frozenset[int] = frozenset()  # the requests whose connection is reset before the answer
    stall_at: int = 0  # the request at which the whole server stalls
    stall_seconds: float = 0.0


@dataclass
class FaultyServer:
    """The address of a running server, the number of its faults of each kind, and the request ids that it received."""

    url: str = ""
    did: Counter[str] = field(default_factory=Counter)
    wrong_ids: set[str] = field(default_factory=set)
    ids: list[bytes] = field(default_factory=list)
    open: set[asyncio.Transport] = field(default_factory=set)


class Connection(asyncio.Protocol):
    """A connection without pipelining. Each request must arrive in one piece."""

    def __init__(self, faults: Faults, seen: FaultyServer) -> None:
        self._faults, self._seen = faults, seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Record the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._seen.open.add(transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Remove the transport."""
        self._seen.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer the request, or cause the fault that the test chose for this request."""
        seen, faults = self._seen, self._faults
        request_id = data.partition(b"X-Request-ID: ")[2].partition(b"\r")[0]
        seen.ids.append(request_id)
        number, query = len(seen.ids), data.partition(b"?")[2].partition(b" ")[0]
        if number in faults.reset:
            seen.did["reset"] += 1
            linger = struct.pack("ii", 1, 0)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        elif number in faults.refused:
            seen.did["refused"] += 1
            asked = b"\r\nRetry-After: %d" % faults.retry_after if faults.retry_after else b""
            self._answer(b"503 Service Unavailable" + asked, b'{"response": {"errors": ["busy"]}}')
        elif faults.slow_every and number % faults.slow_every == 0:
            seen.did["slow"] += 1
            later = asyncio.get_running_loop().call_later
            later(faults.slow_seconds, self._answer, b"200 OK", RIGHT[query])
        elif faults.wrong_every and number % faults.wrong_every == 1:
            seen.did["wrong"] += 1
            seen.wrong_ids.add(request_id.decode())
            self._answer(b"200 OK", WRONG[query])
        else:
            if number == faults.stall_at:
                time.sleep(faults.stall_seconds)
            self._answer(b"200 OK", RIGHT[query])

    def _answer(self, status: bytes, body: bytes) -> None:
        self._transport.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


@contextmanager
def serve_faults(faults: Faults) -> Iterator[FaultyServer]:
    """Run the server with these faults until the context ends."""
    seen, loop, ready = FaultyServer(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> asyncio.Server:
        return await loop.create_server(lambda: Connection(faults, seen), "127.0.0.1", 0)

    def run() -> None:
        server = loop.run_until_complete(serve())
        seen.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        loop.run_forever()
        loop.run_until_complete(hang_up(server))
        loop.close()

    async def hang_up(server: asyncio.Server) -> None:
        """Wait until pending connections are accepted, then abort all connections."""
        while accepting := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*accepting)
        server.close()  # not earlier, because the server would leak connections that it is accepting
        while seen.open:
            for transport in seen.open:
                transport.abort()
            await asyncio.sleep(0)  # allows the event loop to close the transports

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(30)
    try:
        yield seen
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

"""Load generator of the benchmarks, which sends requests in a closed loop over keep-alive connections.

The load generator uses libcurl's multi interface in one process.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import pycurl

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the load generator repeats. `status` is the expected status of each response."""

    url: str
    headers: tuple[str, ...] = ()
    body: bytes | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a load. Latencies are sorted and in milliseconds, and `client_cpu` is in CPU seconds."""

    requests: int
    seconds: float
    latencies: list[float]
    client_cpu: float

    @property
    def rate(self) -> float:
        """Return requests per second."""
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """Return a percentile of the latencies in milliseconds. `share` is 0.99 for p99."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def flood(
    request: Request, seconds: float, connections: int = CONNECTIONS, check: Callable[[bytes], bool] = lambda _: True
) -> Load:
    """Repeat a request for `seconds` seconds over parallel connections. End the program if a response is wrong."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, connections)
    bodies = {handle(request, body): body for body in (BytesIO() for _ in range(connections))}
    sent: dict[pycurl.Curl, float] = {}
    latencies: list[float] = []
    begun, cpu = time.perf_counter(), time.process_time()
    for curl in bodies:
        sent[curl] = time.perf_counter()
        multi.add_handle(curl)
    while sent:
        multi.perform()
        _, done, failed = multi.info_read()
        now = time.perf_counter()
        if failed:
            sys.exit(f"{request.url}: {failed[0][2]}")
        for curl in done:
            latencies.append((now - sent.pop(curl)) * 1000)
            body = bodies[curl]
            exit_unless_right(request, curl.getinfo(pycurl.RESPONSE_CODE), body.getvalue(), check)
            body.seek(0)
            body.truncate()
            multi.remove_handle(curl)
            if now - begun < seconds:
                sent[curl] = time.perf_counter()
                multi.add_handle(curl)
        if not done:
            multi.select(0.1)
    return Load(len(latencies), time.perf_counter() - begun, sorted(latencies), time.process_time() - cpu)


def exit_unless_right(request: Request, status: int, body: bytes, check: Callable[[bytes], bool]) -> None:
    """End the program if a response has an unexpected status, or if `check` rejects its body."""
    if status != request.status:
        sys.exit(f"{request.url} returned status {status}; expected {request.status}")
    if not check(body):
        sys.exit(f"{request.url} returned a wrong body: {body[:300]!r}")


def handle(request: Request, buffer: BytesIO) -> pycurl.Curl:
    """Build a curl handle that sends the request and writes the body of the response to a buffer."""
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, request.url)
    curl.setopt(pycurl.NOPROXY, "*")
    curl.setopt(pycurl.HTTPHEADER, ["Expect:", *request.headers])
    curl.setopt(pycurl.WRITEDATA, buffer)
    if request.body is not None:
        curl.setopt(pycurl.POSTFIELDS, request.body)
    return curl

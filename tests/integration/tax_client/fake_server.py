"""An HTTP server on the loopback interface with scripted answers."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

DATA = Path(__file__).parents[3] / "services/client/data"
PUBLISHED: list[dict[str, Any]] = orjson.loads((DATA / "published.json").read_bytes())


@dataclass(frozen=True)
class Request:
    """A request that the server received."""

    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]

    @property
    def salary(self) -> int:
        """The salary in the query."""
        return int(dict(self.query)["salary"])


Plain = tuple[int, bytes]  # status and body
# Status, body, and headers that extend or replace the default headers.
Reply = Plain | tuple[int, bytes, Mapping[str, str]]
Script = Callable[[Request], Reply]


def published_reply(request: Request) -> Plain:
    """Return the published result of the household in the query."""
    asked = {name: value if name == "married" else int(value) for name, value in request.query}
    (row,) = [row for row in PUBLISHED if asked == {name: row[name] for name in asked}]
    return 200, result_body({name: value for name, value in row.items() if name != "id"})


def echo_reply(request: Request) -> Plain:
    """Return a result for the household in the query. All amounts in the result are 0."""
    query = dict(request.query)
    zeros = dict.fromkeys(("tax", "surcharge", "rate", "discount", "reduction"), 0)
    household = {"married": query["married"], "children": int(query["children"]), "salary": int(query["salary"])}
    return 200, result_body(household | zeros)


def result_body(result: dict[str, Any]) -> bytes:
    """Build the body of an answer with status 200."""
    return orjson.dumps({"response": {"result": result}})


@dataclass
class FakeServer:
    """The address of a running server, the requests that it received, and one item per accepted connection."""

    url: str
    requests: list[Request] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[FakeServer]:  # noqa: C901 - includes its classes
    """Serve the answers of a script until the context ends. If `tls` is given, use HTTPS."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30  # in seconds; without the limit, an open connection would block the end of the test

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            request = Request(parts.path, parse_qsl(parts.query), dict(self.headers))
            fake.requests.append(request)
            reply = script(request)
            status, body, headers = reply if len(reply) == 3 else (*reply, {})
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def setup(self) -> None:
            fake.connections.append(1)
            super().setup()

        def log_message(self, *_args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # makes server_close() wait for every handler
        request_queue_size = 256

        def get_request(self) -> tuple[socket.socket, Any]:
            connection, address = super().get_request()
            accepted.append(connection)
            return connection, address

        def handle_error(self, *_args: object) -> None:
            pass  # ignores the errors that disconnected clients cause

    accepted: list[socket.socket] = []
    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    fake = FakeServer(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        for connection in accepted:  # closes connections that urllib3 leaves open until garbage collection
            with suppress(OSError):  # the connection is already closed
                connection.shutdown(socket.SHUT_RD)
        server.server_close()

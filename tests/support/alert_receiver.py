"""An HTTP server that receives alerts, and that a test can let fail."""

import json
import queue
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

CLOSED = 0  # instead of a status: the server closes the connection without an answer
SILENT = 1  # instead of a status: the server never answers


class AlertReceiver:
    """A server on a free port of 127.0.0.1. It answers each POST with the next status, and then with the last one.

    A redirect leads to `location`.
    """

    def __init__(self, statuses: Sequence[int] = (200,), location: str = "/elsewhere") -> None:
        self.bodies: queue.Queue[Any] = queue.Queue()  # the JSON bodies, in the order of their arrival
        self.paths: list[str] = []
        self.statuses = list(statuses)
        self._ended = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.paths.append(self.path)
                receiver.bodies.put(body)
                status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                if status in (CLOSED, SILENT):
                    receiver._ended.wait(60 if status == SILENT else 0)
                    self.close_connection = True
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(b"the words of the server")

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def next(self) -> Any:
        """Wait for the next body, and return it."""
        return self.bodies.get(timeout=60)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

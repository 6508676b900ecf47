"""The server of the metrics. It runs in the worker that holds the port.

All workers of a replica try to listen on the port. If the worker that holds the port ends, another worker takes over.
"""

import threading

from prometheus_client import start_http_server
from prometheus_client.registry import CollectorRegistry

RETRY_INTERVAL = 0.25  # seconds between two attempts to listen on the port


class MetricsServer:
    """Answers the scrapes of Prometheus in a thread, if this worker holds the port."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self._host, self._port, self._registry = host, port, registry
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread. Call this method after the fork, because threads do not survive a fork."""
        self._thread = threading.Thread(target=self._run, name="metrics server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Release the port, so that another worker can listen on it."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0):
            try:
                server, thread = start_http_server(self._port, self._host, self._registry)
            except OSError:  # another worker holds the port
                self._stop.wait(RETRY_INTERVAL)
            else:
                self._stop.wait()
                server.shutdown()
                server.server_close()
                thread.join()

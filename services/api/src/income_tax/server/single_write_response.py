"""Answers that leave in one piece.

Gunicorn sends the head and the body of an answer in two steps. A worker that is killed in between leaves the proxy with
a head and no body, when it is too late to ask another worker; sent at once, the proxy has all of it or nothing.
"""

from typing import Any

from gunicorn.http import wsgi


class Pieces(list[bytes]):
    """Stands for the socket while the head is written."""

    def sendall(self, data: bytes) -> None:
        """Keep the bytes."""
        self.append(data)


class WholeResponse(wsgi.Response):  # type: ignore[misc]
    """Keeps the head back until there is a body, or the end."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._head = Pieces()

    def send_headers(self) -> None:
        """Write the head, but to keep."""
        self.sock, socket = self._head, self.sock
        try:
            super().send_headers()
        finally:
            self.sock = socket

    def _emit_body(self, data: bytes) -> None:
        if self.chunked:
            self._send_head()
            super()._emit_body(data)
        else:
            self._send_head(data)

    def sendfile(self, _respiter: Any) -> bool:
        """Files go out as other bodies do."""
        return False

    def close(self) -> None:
        """End the answer."""
        self.send_headers()
        self._send_head()
        super().close()

    def _send_head(self, data: bytes = b"") -> None:
        if whole := b"".join([*self._head, data]):
            self._head.clear()
            self.sock.sendall(whole)


def install() -> None:
    """Let gunicorn answer so: its workers look the class up by this name, and have no setting for it."""
    wsgi.Response = WholeResponse

"""Responses that are sent with one write.

Gunicorn sends the head and the body of a response with two writes. A worker that is killed between them leaves nginx
with a head and no body, when it is too late to ask another worker. After one write nginx has all of it or nothing.
"""

from typing import Any

from gunicorn.http import wsgi


class HeadBuffer(list[bytes]):
    """Stands for the socket while gunicorn writes the head."""

    def sendall(self, data: bytes) -> None:
        """Keep the bytes."""
        self.append(data)


class SingleWriteResponse(wsgi.Response):  # type: ignore[misc]
    """Buffers the head until there is a body, or the end."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._head = HeadBuffer()

    def send_headers(self) -> None:
        """Write the head to the buffer."""
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
        """Return that the system call was not used, so that files are sent like other bodies."""
        return False

    def close(self) -> None:
        """End the response."""
        self.send_headers()
        self._send_head()
        super().close()

    def _send_head(self, data: bytes = b"") -> None:
        if whole := b"".join([*self._head, data]):
            self._head.clear()
            self.sock.sendall(whole)


def install() -> None:
    """Replace gunicorn's response class by its name in the module: gunicorn has no setting for it."""
    wsgi.Response = SingleWriteResponse

"""A gunicorn response class that sends the head and the body of a response in one write.

Gunicorn's own class sends the head and the body in two writes. If a worker is killed after the first write, nginx has
received the head and cannot retry the request with another worker. With one write, nginx receives both or nothing.
"""

from typing import Any

from gunicorn.http import wsgi


class HeadBuffer(list[bytes]):
    """A buffer that replaces the socket while gunicorn writes the head."""

    def sendall(self, data: bytes) -> None:
        """Append the bytes to the buffer."""
        self.append(data)


class SingleWriteResponse(wsgi.Response):  # type: ignore[misc]
    """A response that buffers its head until it sends the first part of the body, or until the response ends."""

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
        """Return False. Gunicorn then sends a file like any other body, without the sendfile system call."""
        return False

    def close(self) -> None:
        """End the response. If the buffer still contains the head, send the head first."""
        self.send_headers()
        self._send_head()
        super().close()

    def _send_head(self, data: bytes = b"") -> None:
        if whole := b"".join([*self._head, data]):
            self._head.clear()
            self.sock.sendall(whole)


def install() -> None:
    """Replace gunicorn's response class with SingleWriteResponse, because no gunicorn setting selects it."""
    wsgi.Response = SingleWriteResponse

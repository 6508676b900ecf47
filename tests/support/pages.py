"""Send requests whose responses are not always JSON."""

import base64
import contextlib
import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any


@dataclass(frozen=True)
class Page:
    """An HTTP response with its body as text."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def load(port: int, target: str, credentials: str | None, body: str | None = None, **headers: str) -> Page:
    """Send a GET to a port of 127.0.0.1, or a POST if there is a body. The keyword X_Name sets the header X-Name."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if credentials is not None:
        sent["Authorization"] = "Basic " + base64.b64encode(credentials.encode()).decode()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the server can close the connection early
            connection.request("GET" if body is None else "POST", target, body and body.encode(), sent)
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    return Page(response.status, {name.lower(): value for name, value in response.getheaders()}, text)

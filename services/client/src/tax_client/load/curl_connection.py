"""A connection of libcurl's: what it sends, and why it fails."""

import errno
from typing import Any

import certifi
import pycurl

from tax_client.api.client import CONNECT_SECONDS
from tax_client.api.failures import KINDS

from . import file_descriptors
from .request_recorder import TIMEOUT, Call
from .target import Target

MESSAGES = {kind: message for _, kind, message in KINDS}
LOST = "connection lost"
KIND_OF = {
    pycurl.E_OPERATION_TIMEDOUT: TIMEOUT,
    pycurl.E_COULDNT_RESOLVE_HOST: "unknown host",
    pycurl.E_SSL_CONNECT_ERROR: "TLS error",
    pycurl.E_PEER_FAILED_VERIFICATION: "TLS error",
    **dict.fromkeys((pycurl.E_COULDNT_CONNECT, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR), LOST),
    **dict.fromkeys((pycurl.E_GOT_NOTHING, pycurl.E_PARTIAL_FILE, pycurl.E_ABORTED_BY_CALLBACK), LOST),
}


class Wire:
    """A connection: libcurl's handle, the call it has on its way, and what has come of the answer."""

    def __init__(self, target: Target, posts: bool) -> None:
        self.call, self.chunks, self.attempts = Call(), list[bytes](), 0
        self.curl = curl = pycurl.Curl()
        curl.wire = self
        self._headers = [f"{name}: {value}" for name, value in target.headers.items()]
        if posts:
            self._headers += ["Content-Type: application/json", "Expect:"]
        for option, value in {
            pycurl.NOSIGNAL: 1,
            pycurl.NOPROXY: "*",
            pycurl.CAINFO: str(target.ca_file or certifi.where()),  # as `requests` does
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,  # a connection has one request at a time
            pycurl.CONNECTTIMEOUT_MS: milliseconds(min(target.timeout, CONNECT_SECONDS)),
            pycurl.TIMEOUT_MS: milliseconds(target.timeout),
            pycurl.URL: target.address,
            pycurl.WRITEFUNCTION: self.chunks.append,
            pycurl.PREREQFUNCTION: self._only_once,
        }.items():
            curl.setopt(option, value)

    def prepare(self, url: str | None, body: bytes | None) -> None:
        """Set what differs from request to request."""
        self.attempts = 0
        if url is not None:
            self.curl.setopt(pycurl.URL, url)
        if body is not None:
            self.curl.setopt(pycurl.POSTFIELDS, body)
        self.curl.setopt(pycurl.HTTPHEADER, [*self._headers, f"X-Request-ID: {self.call.request_id}"])

    def body(self) -> bytes:
        """What has come of the answer's body, which is then forgotten."""
        chunks = self.chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        return body

    def _only_once(self, *_addresses: object) -> Any:
        # libcurl sends a request again by itself when a kept connection broke: that would be two, under one id.
        self.attempts += 1
        return pycurl.PREREQFUNC_OK if self.attempts == 1 else pycurl.PREREQFUNC_ABORT


def milliseconds(seconds: float) -> int:
    """A limit as libcurl takes it: to it 0 would be no limit at all."""
    return max(1, round(seconds * 1000))


def why(target: Target, number: int, text: str, system: int) -> tuple[str, str]:
    """The kind of a failure of libcurl's (its number, its words, the system's error), and what to do about it."""
    # Of a socket that it could not open libcurl does not tell the system's error.
    if number == pycurl.E_COULDNT_CONNECT and not system and not file_descriptors.are_left():
        return file_descriptors.KIND, file_descriptors.MESSAGE
    refused = number == pycurl.E_COULDNT_CONNECT and system == errno.ECONNREFUSED
    kind = "connection refused" if refused else KIND_OF.get(number)
    if kind is None:
        return "request failed", f"expected a readable answer from {target.url}, got [{text}]: see the server's log"
    return kind, MESSAGES[kind].format(url=target.url, timeout=target.timeout)

"""Only the proxy of the given name may say where a request comes from."""

from collections.abc import Iterable
from typing import Any

from income_tax.http.middleware.trusted_proxy import ASKED_AGAIN, KNOWN_FOR, TrustedProxy
from tests.support.fakes import FakeClock


class Network:
    """A name service whose answer changes, and an application that keeps what address it saw."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = frozenset(addresses)
        self.asked = 0
        self.clock = FakeClock()
        self.proxy = TrustedProxy(self._app, "nginx", self._resolve, self.clock)

    def _resolve(self, name: str) -> frozenset[str]:
        assert "nginx" == name
        self.asked += 1
        return self.addresses

    def _app(self, environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        return [environ["REMOTE_ADDR"].encode()]

    def seen(self, peer: str) -> str:
        """The client's address of a request that the peer says comes from 203.0.113.9."""
        environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": "203.0.113.9", "HTTP_X_FORWARDED_HOST": "evil"}
        (address,) = self.proxy(environ, lambda *_: lambda _: None)
        return address.decode()


def test_the_proxy_is_believed_and_others_are_not() -> None:
    """The same header counts from the proxy and is ignored from any other peer."""
    network = Network("10.0.0.2")
    assert ["203.0.113.9", "10.0.0.3"] == [network.seen("10.0.0.2"), network.seen("10.0.0.3")]


def test_a_new_proxy_is_believed_at_once_and_the_old_address_is_not_any_more() -> None:
    """When the proxy's container is replaced, its new address counts, and the old one ceases to."""
    network = Network("10.0.0.2")
    network.seen("10.0.0.2")
    network.addresses = frozenset({"10.0.0.7"})
    network.clock.now += ASKED_AGAIN
    assert "203.0.113.9" == network.seen("10.0.0.7")
    assert "10.0.0.2" == network.seen("10.0.0.2")


def test_the_name_is_asked_for_now_and_then() -> None:
    """Known peers cost a question every few seconds, strangers at most five a second."""
    network = Network("10.0.0.2")
    for _ in range(100):
        network.seen("10.0.0.2")
        network.seen("10.0.0.3")
    assert 1 == network.asked
    network.clock.now += KNOWN_FOR
    network.seen("10.0.0.2")
    assert 2 == network.asked


def test_a_name_service_that_fails_changes_nothing() -> None:
    """Without an answer the last known addresses stay."""
    network = Network("10.0.0.2")
    network.seen("10.0.0.2")
    network.addresses = frozenset()
    network.clock.now += KNOWN_FOR
    assert "203.0.113.9" == network.seen("10.0.0.2")

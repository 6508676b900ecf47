"""The application trusts the client address that the proxy forwards, and ignores other peers' headers."""

from collections.abc import Iterable
from typing import Any

from income_tax.http.middleware.trusted_proxy import MIN_INTERVAL, TTL, TrustedProxy
from tests.support.fakes import FakeClock


class Network:
    """Name server with changing answers, and an application that returns the client address of a request."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = frozenset(addresses)
        self.look_ups = 0
        self.clock = FakeClock()
        self.proxy = TrustedProxy(self._app, "nginx", self._resolve, self.clock)

    def _resolve(self, name: str) -> frozenset[str]:
        assert "nginx" == name
        self.look_ups += 1
        return self.addresses

    def _app(self, environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        return [environ["REMOTE_ADDR"].encode()]

    def get_client_address(self, peer: str) -> str:
        """Return the client address of a request that `peer` forwards for 203.0.113.9."""
        environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": "203.0.113.9", "HTTP_X_FORWARDED_HOST": "evil"}
        (address,) = self.proxy(environ, lambda *_: lambda _: None)
        return address.decode()


def test_only_the_proxy_is_trusted() -> None:
    """The application trusts the X-Forwarded-For header of the proxy, and ignores this header of any other peer."""
    network = Network("10.0.0.2")
    assert ["203.0.113.9", "10.0.0.3"] == [
        network.get_client_address("10.0.0.2"),
        network.get_client_address("10.0.0.3"),
    ]


def test_a_new_proxy_is_trusted_at_once() -> None:
    """When a new container replaces the proxy, only the address of the new container is trusted."""
    network = Network("10.0.0.2")
    network.get_client_address("10.0.0.2")
    network.addresses = frozenset({"10.0.0.7"})
    network.clock.now += MIN_INTERVAL
    assert "203.0.113.9" == network.get_client_address("10.0.0.7")
    assert "10.0.0.2" == network.get_client_address("10.0.0.2")


def test_look_ups_are_limited() -> None:
    """Known peers cause one look-up every five seconds, and unknown peers at most five look-ups per second."""
    network = Network("10.0.0.2")
    for _ in range(100):
        network.get_client_address("10.0.0.2")
        network.get_client_address("10.0.0.3")
    assert 1 == network.look_ups
    network.clock.now += TTL
    network.get_client_address("10.0.0.2")
    assert 2 == network.look_ups


def test_a_failing_name_server_changes_nothing() -> None:
    """The last addresses stay valid while the name server does not answer."""
    network = Network("10.0.0.2")
    network.get_client_address("10.0.0.2")
    network.addresses = frozenset()
    network.clock.now += TTL
    assert "203.0.113.9" == network.get_client_address("10.0.0.2")

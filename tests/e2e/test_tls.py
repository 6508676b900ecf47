"""Tests of a stack with TLS=on over HTTPS and HTTP."""

import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from pathlib import Path
from socket import create_connection

import pytest

from tests.support.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.profile("tls")
TARGET = "/?married=yes&children=3&salary=200000"
LIVE = "/health/live"
HOST = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def trusting(stack: Stack) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(stack.folder / "secrets/tls/cert.pem"))


def get_securely(
    stack: Stack, target: str, context: ssl.SSLContext, host: str = "localhost"
) -> tuple[int, dict[str, str]]:
    connection = HTTPSConnection(host, stack.https_port, timeout=30, context=context)
    connection.request("GET", target)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_https_with_the_certificate_of_make_certs(stack: Stack, host: str) -> None:
    """A client that trusts the certificate gets an HSTS header. Other clients reject the certificate."""
    status, headers = get_securely(stack, LIVE, trusting(stack), host)
    assert (200, "max-age=86400") == (status, headers["strict-transport-security"])
    with pytest.raises(ssl.SSLCertVerificationError):
        get_securely(stack, LIVE, ssl.create_default_context(), host)


def test_http_redirects_to_https(stack: Stack) -> None:
    """Over HTTP nginx forwards only health checks, and redirects all other requests to HTTPS with a JSON 308."""
    answer = stack.get(TARGET, "client:x")
    assert (308, f"https://127.0.0.1:{stack.https_port}{TARGET}") == (answer.status, answer.headers["location"])
    assert answer.errors
    assert "strict-transport-security" not in answer.headers
    assert [200, 200] == [stack.get(target).status for target in (LIVE, "/health/ready")]


def test_plain_http_on_the_https_port_gets_a_json_400(stack: Stack) -> None:
    """Nginx answers a plain HTTP request to the HTTPS port with a JSON 400."""
    with create_connection(("127.0.0.1", stack.https_port), timeout=30) as plain:
        plain.sendall(b"GET /" + HOST + b"\r\n")
        head, _, body = plain.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["response"]["errors"]


def test_the_stack_s_client_works_with_tls(stack: Stack) -> None:
    """With TLS=on `make load` succeeds without the certificate, because the client uses HTTP on an internal network."""
    assert "300 right, 0 wrong, 0 failed" in stack.make("load", "REQUESTS=300")


def test_a_new_certificate_without_downtime(stack: Stack) -> None:
    """After `nginx -s reload` nginx uses the new certificate, and no request fails."""
    old = trusting(stack)
    for name in ("cert.pem", "key.pem"):
        (stack.folder / "secrets/tls" / name).unlink()
    stack.make("certs")
    new = trusting(stack)

    def takes_new() -> bool:
        try:
            return get_securely(stack, LIVE, new)[0] == 200
        except ssl.SSLCertVerificationError:
            return False

    def takes_either(_number: int) -> int:
        both = trusting(stack)
        both.check_hostname, both.verify_mode = False, ssl.CERT_NONE
        return get_securely(stack, LIVE, both)[0]

    assert [200, False] == [get_securely(stack, LIVE, old)[0], takes_new()]
    with ThreadPoolExecutor(4) as pool:
        statuses = pool.map(takes_either, range(400))
        stack.output("nginx", "nginx", "-s", "reload")
        wait_until(takes_new)
        assert [200] * 400 == list(statuses)


@pytest.mark.usefixtures("turn")
def test_tls_without_certificate_is_reported(stack: Stack, tmp_path: Path) -> None:
    """If TLS has an invalid value or the certificate is missing, `make up` fails and reports the reason."""
    other = Stack.create(tmp_path, stack.database)
    wrong = other.run("make", "up", "TLS=maybe")
    assert (2, "TLS is [maybe]; expected on or off") == (wrong.returncode, wrong.stderr.splitlines()[0])
    try:
        missing = other.run("make", "up", f"DB={stack.database}", "TLS=on")
    finally:
        other.make("clean")
    assert 2 == missing.returncode
    assert "TLS=on needs secrets/tls/cert.pem and key.pem" in missing.stderr


def test_a_pair_that_does_not_match_is_refused(stack: Stack) -> None:
    """If the key does not match the certificate or is unreadable, `make up` refuses it and nginx keeps running.

    The health check and a mail report the pair until it is replaced.
    """
    before, key = stack.containers("nginx")[0]["Id"], stack.folder / "secrets/tls/key.pem"
    usual = key.read_text()
    other = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
    try:
        key.write_text(stack.output("nginx", "sh", "-c", other))
        wait_until(lambda: "nginx could not start again" in str(stack.get("/health/ready").body))
        wait_until(lambda: stack.mails("key values mismatch"))
        mismatch = stack.run("make", "up")
        key.write_text(usual)
        key.chmod(0o600)
        unreadable = stack.run("make", "up")
    finally:
        key.chmod(0o644)
        key.write_text(usual)
    for refused in (mismatch, unreadable):
        assert 2 == refused.returncode
        assert "nginx cannot use secrets/tls/cert.pem and key.pem of TLS=on" in refused.stderr
    assert before == stack.containers("nginx")[0]["Id"]
    wait_until(lambda: "nginx could not start again" not in str(stack.get("/health/ready").body))
    stack.make("up")

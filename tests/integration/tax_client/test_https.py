"""Tests of HTTPS with a certificate from a private certificate authority."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import PUBLISHED, published_reply, serving

COMMANDS = (("calculate",), ("flood", "--requests", "11"))
each_command = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@pytest.fixture
def authority(place: Place) -> trustme.CA:
    """Create a certificate authority, and write the authority's certificate to the folder."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(place.folder / "ca.pem"))
    return made


@pytest.fixture
def url(authority: trustme.CA) -> Iterator[str]:
    """Run a server with a certificate from the authority, and yield the server's address."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serving(published_reply, context) as server:
        yield server.url


@each_command
def test_authority_of_ca_file_is_trusted(place: Place, url: str, command: tuple[str, ...]) -> None:
    """With --ca-file the client accepts a server certificate from the given authority."""
    name, *options = command
    assert 0 == place.run(name, url, *options, "--ca-file", str(place.folder / "ca.pem"))
    if name == "calculate":
        assert PUBLISHED == place.results


@each_command
def test_an_unknown_authority_is_not_trusted(
    place: Place, url: str, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --ca-file the client rejects the server certificate, and the listed reason names the option."""
    name, *options = command
    assert 1 == place.run(name, url, *options)
    reasons = (
        [error["reason"] for error in place.errors if "id" in error] if name == "calculate" else [*capsys.readouterr()]
    )
    assert "use --ca-file or TAX_CA_FILE to trust its authority" in " ".join(reasons)


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_a_file_without_certificates_is_an_error(
    place: Place, tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the file in --ca-file is missing or contains no certificate, the client exits with 2."""
    path = tmp_path / "empty.pem"
    if text is not None:
        path.write_text(text)
    assert 2 == place.run("calculate", "https://127.0.0.1:1", "--ca-file", str(path))
    message = f"--ca-file: expected a PEM file that holds certificates, found [{path}]: correct the value"
    assert message in capsys.readouterr().err

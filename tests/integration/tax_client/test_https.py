"""HTTPS with a certificate that no public authority vouches for."""

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
    """An authority of our own, whose certificate lies in the place."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(place.folder / "ca.pem"))
    return made


@pytest.fixture
def url(authority: trustme.CA) -> Iterator[str]:
    """The address of a server that has its certificate from it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serving(published_reply, context) as server:
        yield server.url


@each_command
def test_an_authority_of_ones_own_is_trusted_when_named(place: Place, url: str, command: tuple[str, ...]) -> None:
    """With --ca-file every answer comes, from a server that it vouches for."""
    name, *options = command
    assert 0 == place.run(name, url, *options, "--ca-file", str(place.folder / "ca.pem"))
    if name == "calculate":
        assert PUBLISHED == place.results


@each_command
def test_an_unknown_authority_is_not_trusted(
    place: Place, url: str, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it nothing is sent, and what is said names the option."""
    name, *options = command
    assert 1 == place.run(name, url, *options)
    said = (
        [error["reason"] for error in place.errors if "id" in error] if name == "calculate" else [*capsys.readouterr()]
    )
    assert "name its authority by --ca-file or TAX_CA_FILE" in " ".join(said)


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_a_file_without_certificates_is_refused(
    place: Place, tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is not there or holds no certificate ends the command before anything is sent."""
    path = tmp_path / "empty.pem"
    if text is not None:
        path.write_text(text)
    assert 2 == place.run("calculate", "https://127.0.0.1:1", "--ca-file", str(path))
    assert f"--ca-file: expected a file of certificates in PEM, found [{path}]: correct it" in capsys.readouterr().err

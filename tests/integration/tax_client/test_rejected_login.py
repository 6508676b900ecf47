"""Tests of credentials that the service rejects at the first request or at a later request."""

import pytest

from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import (
    echo_reply,
    serving,
)


@pytest.mark.parametrize("batch", [1, 2])
def test_rejected_credentials_stop_the_run(place: Place, batch: int, capsys: pytest.CaptureFixture[str]) -> None:
    """After a 401 the client sends no more requests, lists all taxpayers as errors, and names the credentials file.

    The results of an earlier run stay unchanged.
    """
    (place.folder / "results.json").write_text("finished")
    source = place.write("".join(f"{number},no,0,{number}\n" for number in range(1, 31)) + "bad\n")
    more = ["--max-threads", "1", *(["--batch", str(batch)] if batch > 1 else [])]
    with serving(lambda _: (401, b'{"response": {"errors": ["who are you"]}}')) as server:
        assert 1 == place.run("calculate", server.url, source, *more)
    (request,) = server.requests
    assert "finished" == (place.folder / "results.json").read_text()
    *taxpayers, bad = place.errors
    assert 31 == bad["line"]
    assert list(range(1, 31)) == [error["id"] for error in taxpayers]
    asked = [error for error in taxpayers if error["request_id"]]
    assert batch == len(asked)
    assert {request.headers["X-Request-ID"]} == {error["request_id"] for error in asked}
    assert asked[0]["reason"].startswith("status 401: expected a result, but the server reported [who are you]")
    assert {"not sent"} == {error["reason"].split(":")[0] for error in taxpayers if error not in asked}
    credentials = place.folder / "credentials"
    message = f"tax-client: credentials file [{credentials}]: the service rejected these credentials, and the client"
    found = capsys.readouterr()
    assert message in found.err
    assert f"results: none, [{place.folder / 'results.json'}] is unchanged" in found.out
    assert not list(place.folder.glob("results.json.*"))


def test_a_run_with_later_rejected_credentials_can_be_resumed(place: Place) -> None:
    """After a 401 during a run, a later run with --resume and valid credentials sends only the unanswered requests."""
    source = place.write("".join(f"{number},no,0,{number}\n" for number in range(1, 61)) + "bad\n")
    run = [source, "--max-threads", "2"]

    def contents() -> list[bytes]:
        return [(place.folder / name).read_bytes() for name in ("results.json", "errors.jsonl")]

    with serving(echo_reply) as server:
        assert 0 == place.run("calculate", server.url, *run)
    whole = contents()
    with serving(lambda request: (401, b"{}") if request.salary > 30 else echo_reply(request)) as server:
        assert 1 == place.run("calculate", server.url, *run)
    assert 0 < len(place.results) <= 30
    with serving(echo_reply) as server:
        assert 0 == place.run("calculate", server.url, *run, "--resume")
    assert whole == contents()
    assert len(server.requests) < 60

"""Tests of the command `flood` against a server with scripted answers."""

import itertools
import threading
from collections import Counter

import orjson
import pytest

from tests.integration.tax_client.conftest import Place
from tests.integration.tax_client.fake_server import Reply, Request, published_reply, result_body, serving


def test_a_run_with_right_answers(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """With eight threads the flood sends 100 requests over at most eight connections, and logs each answer as right."""
    with serving(published_reply) as server:
        assert 0 == place.run("flood", server.url, "--requests", "100", "--threads", "8")
    sent = Counter(request.headers["X-Request-ID"] for request in server.requests)
    answers = [event for event in place.log if event["event"] == "answer"]
    assert Counter(event["request_id"] for event in answers) == sent
    assert 100 == len(sent)
    assert {(200, "right")} == {(event["status"], event["outcome"]) for event in answers}
    assert len(server.connections) <= 8
    out, err = capsys.readouterr()
    assert "requests    100 sent, 100 right, 0 wrong, 0 failed" in out
    assert "100/100 requests (100 %)" in err


def test_wrong_answers_are_counted_exactly(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """The flood counts each wrong answer, lists ten wrong answers with their request ids, and exits with 1."""
    numbers, wrong_ids = itertools.count(), set[str]()

    def one_euro_off(request: Request) -> Reply:
        if next(numbers) % 5:
            return published_reply(request)
        wrong_ids.add(request.headers["X-Request-ID"])
        status, body = published_reply(request)
        result = orjson.loads(body)["response"]["result"]
        return status, result_body({**result, "tax": result["tax"] + 1})

    with serving(one_euro_off) as server:
        assert 1 == place.run("flood", server.url, "--requests", "200", "--threads", "6")
    out = capsys.readouterr().out
    assert "requests    200 sent, 160 right, 40 wrong, 0 failed" in out
    listed = {line.split()[2] for line in out.splitlines() if line.startswith("wrong")}
    assert 10 == len(listed)
    assert listed < wrong_ids
    assert wrong_ids == {event["request_id"] for event in place.log if event.get("outcome") == "wrong"}


def test_failures_are_counted_by_kind(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """The flood counts the failures of each kind, and exits with 1."""
    kinds = {0: (500, b'{"response": {"errors": ["down"]}}'), 1: (200, b"<html>")}
    numbers = itertools.count()

    def fail_often(request: Request) -> Reply:
        return kinds.get(next(numbers) % 4) or published_reply(request)

    with serving(fail_often) as server:
        assert 1 == place.run("flood", server.url, "--requests", "40", "--threads", "3")
    out = capsys.readouterr().out
    assert "requests    40 sent, 20 right, 0 wrong, 20 failed" in out
    assert "errors      10 status 500" in out
    assert "errors      10 not JSON" in out


def test_all_connections_send_at_once(place: Place) -> None:
    """A flood with thirty connections has thirty requests in flight at the same time."""
    barrier = threading.Barrier(30, timeout=60)

    def together(request: Request) -> Reply:
        barrier.wait()
        return published_reply(request)

    with serving(together) as server:
        assert 0 == place.run("flood", server.url, "--requests", "90", "--threads", "30")
    assert not barrier.broken


def test_there_are_no_more_connections_than_requests(place: Place) -> None:
    """A flood of two requests sends exactly two requests, even with sixteen threads."""
    with serving(published_reply) as server:
        assert 0 == place.run("flood", server.url, "--requests", "2", "--threads", "16")
    assert 2 == len(server.requests)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[1]", b'[{"id": 1}]', b"\xff"])
def test_unusable_published_results_are_an_error(
    place: Place, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the file of expected results is not an array of results, the flood prints one message and exits with 2."""
    path = place.folder / "published.json"
    path.write_bytes(content)
    assert 2 == place.run("flood", "http://127.0.0.1:9", "--published", str(path))
    message = capsys.readouterr().err
    assert "expected a JSON array of at least one result" in message
    assert 1 == len(message.splitlines())

"""Alerts over the webhook, with a real HTTP server."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from income_tax.alerts.alert import Alert, Summary
from income_tax.alerts.channel import MailError, MailRefused
from income_tax.alerts.http_post import TIMEOUT, post_json
from income_tax.alerts.incident_policy import AlertRules
from income_tax.alerts.mail_delivery import MailDelivery
from income_tax.alerts.spool import Spool
from income_tax.alerts.webhook import WebhookChannel
from income_tax.service_log import build_logger
from tests.support.alert_receiver import CLOSED, SILENT, AlertReceiver
from tests.support.fakes import DEPLOYMENT, FakeClock, Lines
from tests.support.service import running_service
from tests.support.waiting import free_port

ALERT = Alert("request", Summary.REQUEST_FAILED, {"response": {"errors": ["é"]}}, "abc12345", {}, "place", "/")


class World:
    """A spool, its delivery to a webhook, and a clock that the test sets."""

    def __init__(self, url: str, folder: Path, timeout: float = TIMEOUT, host_name: str = "host1") -> None:
        self.spool, self.clock, self.dead, self.lines = Spool(None), FakeClock(), folder / "dead", Lines()
        log = build_logger("api", self.lines.write, "json", "info")
        channel, rules = WebhookChannel(url, timeout), AlertRules()
        deployment = replace(DEPLOYMENT, host_name=host_name)
        self.delivery = MailDelivery(channel, rules, deployment, self.dead, log, clock=self.clock, random=lambda: 0.0)

    def after(self, seconds: float) -> None:
        self.clock.now += seconds
        self.delivery.deliver_due(self.spool)


def test_each_event_is_posted(tmp_path: Path) -> None:
    """The first message, the digest and the recovery are posted with the documented fields."""
    with AlertReceiver() as receiver:
        world = World(f"{receiver.url}/hook", tmp_path)
        world.spool.report(ALERT, world.clock())
        world.after(1)
        world.spool.report(ALERT, world.clock() + 899)
        world.after(900)
        world.after(600)
        first, digest, recovered = (receiver.next() for _ in range(3))
    assert ["/hook"] * 3 == receiver.paths
    assert ["first", "digest", "recovered"] == [body["event"] for body in (first, digest, recovered)]
    assert ["critical", "critical", "info"] == [body["severity"] for body in (first, digest, recovered)]
    assert [(1, 1), (1, 2), (0, 2)] == [(body["failures"], body["total"]) for body in (first, digest, recovered)]
    assert "[tax-service on host1] 1 request failed" == first["subject"]
    assert recovered["subject"].endswith("2 requests failed [recovered]")
    assert ["abc12345"] == first["request_ids"]
    links = {"status": DEPLOYMENT.status_page, "runbook": "docs/how-to/alerts.md#requests-failed"}
    assert (1, "request", "host1", ALERT.host, links) == (
        first["version"],
        first["kind"],
        first["host"],
        first["replica"],
        first["links"],
    )
    assert "failures in all: 1\n" in first["text"]
    assert 3 == len({body["id"] for body in (first, digest, recovered)})
    assert 1 == len({body["incident"] for body in (first, digest, recovered)})


@pytest.mark.parametrize("status", [500, 503, 408, 425, 429])
def test_a_busy_server_gets_the_message_again(tmp_path: Path, status: int) -> None:
    """After a status that can pass, the same message is posted again."""
    with AlertReceiver([status, 200]) as receiver:
        world = World(receiver.url, tmp_path)
        world.spool.report(ALERT, world.clock())
        world.after(1)
        assert {"pending": 1, "sent": 0, "dead": 0} == world.spool.count_mails()
        world.after(1)
        assert receiver.next() == receiver.next()
    assert {"pending": 0, "sent": 1, "dead": 0} == world.spool.count_mails()


@pytest.mark.parametrize(("status", "timeout"), [(CLOSED, TIMEOUT), (SILENT, 0.2)], ids=["closed", "silent"])
def test_a_server_without_an_answer_gets_two_copies(tmp_path: Path, status: int, timeout: float) -> None:
    """A server that receives a message and does not answer gets one more copy. Then the message is a dead letter."""
    with AlertReceiver([status]) as receiver:
        world = World(receiver.url, tmp_path, timeout)
        world.spool.report(ALERT, world.clock())
        for _ in range(5):
            world.after(60)
        first, second = receiver.next(), receiver.next()
        assert receiver.bodies.empty()
    (dead,) = world.dead.iterdir()
    assert first == second == json.loads(dead.read_text())
    events = [json.loads(line) for line in world.lines.written]
    assert ["alert not sent", "alert unconfirmed"] == [event["event"] for event in events]
    assert events[0]["reason"].startswith(f"webhook {receiver.url}: no response: ")
    assert events[0]["reason"].endswith("; one more copy follows")


def test_an_unreachable_server_gets_the_message_later(tmp_path: Path) -> None:
    """A server that refuses connections has received nothing, so the service tries again without an end."""
    world = World(f"http://127.0.0.1:{free_port()}", tmp_path)
    world.spool.report(ALERT, world.clock())
    for _ in range(5):
        world.after(60)
    assert {"pending": 1, "sent": 0, "dead": 0} == world.spool.count_mails()
    (mail,) = world.spool.find_due(world.clock() + 60)
    assert (5, 0) == (mail.attempts, mail.copies)


@pytest.mark.parametrize("status", [400, 404, 302])
def test_a_refused_message_becomes_a_dead_letter(tmp_path: Path, status: int) -> None:
    """A message that the server refuses six times becomes a dead letter in JSON. A redirect is a refusal."""
    with AlertReceiver([status]) as receiver:
        world = World(f"{receiver.url}/secret", tmp_path)
        world.spool.report(ALERT, world.clock())
        for seconds in (1, 5, 25, 120, 300, 450):
            world.after(seconds)
    (dead,) = world.dead.iterdir()
    assert ".json" == dead.suffix
    assert receiver.next() == json.loads(dead.read_text())
    assert ["/secret"] * 6 == receiver.paths
    (*_, refused) = map(json.loads, world.lines.written)
    assert ("alert refused", "webhook") == (refused["event"], refused["channel"])
    assert f"webhook {receiver.url}: status {status}: the words of the server" == refused["reason"]


def test_an_unreachable_server_is_named_without_its_path() -> None:
    """The error about an unreachable server names the server, but not the path, which can contain a secret."""
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(MailError, match=rf"^webhook http://{address}: ") as caught:
        post_json("webhook", f"http://{address}/s3cr3t?s3cr3t", b"{}")
    assert "s3cr3t" not in str(caught.value)


def test_an_accepted_message_raises_no_error() -> None:
    """Each status from 200 to 299 accepts a message, and 4xx refuses it."""
    with AlertReceiver([200, 202, 204, 410]) as receiver:
        for _ in range(3):
            post_json("webhook", receiver.url, b"{}")
        with pytest.raises(MailRefused, match="status 410"):
            post_json("webhook", receiver.url, b"{}")


def test_a_message_contains_no_lone_surrogate(tmp_path: Path) -> None:
    """A HOST_NAME in another encoding than UTF-8 is posted with question marks."""
    with AlertReceiver() as receiver:
        world = World(receiver.url, tmp_path, host_name="h\udce9te é")
        world.spool.report(ALERT, world.clock())
        world.after(1)
        body = receiver.next()
    assert ("h?te é", "[tax-service on h?te é] 1 request failed") == (body["host"], body["subject"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """A redirect to another server is a refusal, and the other server gets nothing."""
    with AlertReceiver() as other, AlertReceiver([status], location=f"{other.url}/hook") as receiver:
        with pytest.raises(MailRefused, match=f"status {status}"):
            post_json("webhook", receiver.url, b"{}")
        assert other.bodies.empty()
    assert ["/"] == receiver.paths


def test_a_dead_webhook_holds_back_no_mail(tmp_path: Path) -> None:
    """The service mails a failure although the webhook fails, and posts the failure when the webhook works."""
    with (
        AlertReceiver([500, 500, 200]) as receiver,
        running_service(tmp_path, DRILL_ROUTE="on", ALERT_WEBHOOK_URL=f"{receiver.url}/hook") as service,
    ):
        request_id = service.get("/drill").request_id
        assert request_id in service.mailbox.next().get_content()
        bodies = [receiver.next() for _ in range(3)]
        assert bodies[0] == bodies[2]
        assert ([request_id], "first") == (bodies[0]["request_ids"], bodies[0]["event"])

"""Delivery of alerts during faults of the SMTP server and after a kill of the service."""

import json
import re
from collections import Counter
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.budget import budget
from tests.support.service import Service, flood, prepare, running_service, service_with
from tests.support.smtp import FaultySmtp, ScriptedSmtp, failures_in
from tests.support.waiting import wait_until

SETTINGS = {"DRILL_ROUTE": "on"}
SHORT = SETTINGS | {"ALERT_QUIET": "1", "ALERT_REPEAT": "1", "SMTP_TIMEOUT": "2"}
OVER = SETTINGS | {"ALERT_QUIET": "1"}  # for a restarted service that mails only recoveries
TWO_KINDS = ["/drill", "/drill/other"]


def route_of(mail: EmailMessage) -> str:
    """Return the path of the failed request that a mail reports, without the query."""
    return re.search(r"^request: GET ([^\s?]+)(?:\?\S*)?\r?$", mail.get_content(), re.MULTILINE)[1]  # type: ignore[index]


def failed_attempts(service: Service, event: str) -> int:
    return sum(record["event"] == event for record in service.log())


def test_responses_do_not_wait_for_the_mail_server(tmp_path: Path) -> None:
    """The service answers fifty requests that fail, while the SMTP server delays its reply to the first mail."""
    with FaultySmtp("hang") as smtp:
        prepare(tmp_path)
        with service_with(tmp_path, smtp.port, **SETTINGS) as service:
            assert 500 == service.get("/drill").status
            assert "hang" == smtp.attempts.get(timeout=60)
            assert [500] * 50 == flood(service.port, "client:secret", TWO_KINDS * 25, 4)
            # Assert that the first attempt has not ended. No second attempt began, and the log has no failed attempt.
            assert (True, 0) == (smtp.attempts.empty(), failed_attempts(service, "alert not sent"))
            service.kill()


@pytest.mark.parametrize("killed", [False, True], ids=["living", "killed"])
@pytest.mark.parametrize("fault", ["hang", "refuse", "451", "reset"])
def test_every_failure_is_mailed_after_the_fault(tmp_path: Path, fault: str, killed: bool) -> None:
    """After a fault of the SMTP server the service mails each failure once, even if all its processes were killed."""
    prepare(tmp_path)
    with FaultySmtp(fault) as smtp:
        with service_with(tmp_path, smtp.port, **SHORT) as service:
            assert [500] * 10 == flood(service.port, "client:secret", TWO_KINDS * 5, 2)
            wait_until(lambda: failed_attempts(service, "alert not sent"))
            if killed:
                service.kill()
            else:
                smtp.set("")
                mails = smtp.mails_counting(10)
        if killed:
            smtp.set("")
            with service_with(tmp_path, smtp.port, **SHORT):
                mails = smtp.mails_counting(10)
    counts: Counter[str] = Counter()
    for mail in mails:
        counts[route_of(mail)] += failures_in(mail)
    assert {"/drill": 5, "/drill/other": 5} == counts


def test_mail_with_a_lost_reply_is_sent_again(tmp_path: Path) -> None:
    """If the connection breaks after the server accepted a mail, the service resends the mail unchanged."""
    prepare(tmp_path)
    with FaultySmtp("lost") as smtp, service_with(tmp_path, smtp.port, **SETTINGS) as service:
        assert 500 == service.get("/drill").status
        first = smtp.next()
        smtp.set("")
        again = smtp.next()
        assert first["Message-ID"] == again["Message-ID"]
        assert first.as_bytes() == again.as_bytes()


def test_a_wait_for_the_last_reply_stops_nothing_else(tmp_path: Path) -> None:
    """While the mail server owes its last reply, the service records other failures, and ends at SIGTERM.

    The next start sends the second and last copy of the mail, and the mail about the other failure.
    """
    prepare(tmp_path)
    with ScriptedSmtp(text=lambda stream: stream.readline()) as smtp:
        with service_with(tmp_path, smtp.port, **SETTINGS) as service:
            assert 500 == service.get("/drill").status
            wait_until(lambda: smtp.commands("DATA"))
            assert 500 == service.get("/drill/other").status
        assert ["DATA"] == smtp.commands("DATA")
    with FaultySmtp() as working, service_with(tmp_path, working.port, **SETTINGS):
        assert TWO_KINDS == [route_of(working.next()) for _ in TWO_KINDS]


def test_refused_mail_becomes_a_dead_letter(tmp_path: Path) -> None:
    """The service saves a mail that gets 550 replies as a dead letter, and delivers later mails."""
    prepare(tmp_path)
    with FaultySmtp("550") as smtp:
        with service_with(tmp_path, smtp.port, **SETTINGS, SMTP_REFUSED_SPAN="1") as service:
            assert [500] * 4 == flood(service.port, "client:secret", ["/drill"] * 4, 1)
            wait_until(lambda: failed_attempts(service, "alert refused"))
        smtp.set("")
        with service_with(tmp_path, smtp.port, **OVER):
            recovered = smtp.next()
    logged = {record.get("dead_letter") for record in service.log() if record["event"] == "alert refused"}
    letters = list((tmp_path / "state/alerts/dead").iterdir())
    assert logged == {str(path) for path in letters}
    dead = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in letters]
    assert 4 == sum(map(failures_in, [*dead, recovered]))
    assert recovered["Subject"].endswith(" [recovered]")


def test_refused_recipients(tmp_path: Path) -> None:
    """A recipient with a 451 reply gets the mail later. A recipient that gets only 550 replies gets a dead letter."""
    prepare(tmp_path)
    settings = SETTINGS | {"ALERT_TO": "a@example.org; B <b@example.org>, c@example.org", "SMTP_REFUSED_SPAN": "20"}
    with FaultySmtp() as smtp:
        smtp.refused = {"b@example.org": "451 later", "c@example.org": "550 nobody"}
        with service_with(tmp_path, smtp.port, **settings) as service:
            assert 500 == service.get("/drill").status
            first = smtp.next()
            wait_until(lambda: failed_attempts(service, "alert not sent"))
            smtp.refused = {"c@example.org": "550 nobody"}
            assert first.as_bytes() == smtp.next().as_bytes()
            wait_until(lambda: failed_attempts(service, "alert refused"))
            (refused,) = [record for record in service.log() if record["event"] == "alert refused"]
    assert [["a@example.org"], ["b@example.org"]] == [smtp.recipients.get(timeout=60) for _ in range(2)]
    assert refused["reason"].endswith("c@example.org: 550 nobody")
    letter = message_from_bytes(Path(refused["dead_letter"]).read_bytes())
    assert first["Message-ID"] == letter["Message-ID"]


STORM = budget(100, 1000)


def test_storm_causes_few_mails_with_exact_counts(tmp_path: Path) -> None:
    """Many failures at two routes cause one alert mail and one recovery mail per route. The mails count every failure.

    Each failed request has a different query string, but the service groups failures by path only.
    """
    prepare(tmp_path)
    with FaultySmtp() as smtp:
        with service_with(tmp_path, smtp.port, **SETTINGS) as service:
            often, seldom = TWO_KINDS
            targets = [f"{often if number % 10 < 7 else seldom}?{number}" for number in range(10 * STORM)]
            assert [500] * (10 * STORM) == flood(service.port, "client:secret", targets, 8)
            mails = [smtp.next(), smtp.next()]
        with service_with(tmp_path, smtp.port, **OVER):
            mails += [smtp.next(), smtp.next()]
        assert smtp.mails.empty()
    assert [False, False, True, True] == [mail["Subject"].endswith(" [recovered]") for mail in mails]
    counts: Counter[str] = Counter()
    for mail in mails:
        counts[route_of(mail)] += failures_in(mail)
    assert {"/drill": 7 * STORM, "/drill/other": 3 * STORM} == counts
    assert {"/drill": 2, "/drill/other": 2} == Counter(map(route_of, mails))


def test_services_with_one_state_folder_send_each_mail_once(tmp_path: Path) -> None:
    """Two services with the same state folder count failures together, and only one service sends the mails."""
    prepare(tmp_path)
    with FaultySmtp() as smtp:
        with (
            service_with(tmp_path, smtp.port, **SETTINGS) as one,
            service_with(tmp_path, smtp.port, **SETTINGS) as other,
        ):
            for service in (one, other) * 10:
                assert [500, 500] == [service.get(target).status for target in TWO_KINDS]
            mails = [smtp.next(), smtp.next()]
            sent = wait_until(lambda: [r["pid"] for r in one.log() if r["event"] == "alert sent"][1:] and one.log())
            senders = {record["pid"] for record in sent if record["event"] == "alert sent"}
        with service_with(tmp_path, smtp.port, **OVER):
            mails += [smtp.next(), smtp.next()]
        assert smtp.mails.empty()
    assert 40 == sum(map(failures_in, mails))
    assert [False, False, True, True] == [mail["Subject"].endswith(" [recovered]") for mail in mails]
    assert 1 == len(senders)


def test_other_processes_take_over_from_a_killed_sender(tmp_path: Path) -> None:
    """If the process that sends the mails is killed, another process sends the next mail."""
    prepare(tmp_path)
    with (
        FaultySmtp() as smtp,
        service_with(tmp_path, smtp.port, **SETTINGS) as one,
        service_with(tmp_path, smtp.port, **SETTINGS) as other,
    ):
        one.get("/drill")
        smtp.next()
        (sender,) = wait_until(lambda: {r["pid"] for r in one.log() if r["event"] == "alert sent"})
        workers = children(one)
        doomed, kept = (one, other) if sender in workers else (other, one)
        doomed.kill()
        assert 500 == kept.get("/drill/other").status
        wait_until(lambda: route_of(smtp.next()) == "/drill/other")  # skips a second copy of the first mail


def children(service: Service) -> set[int]:
    """Return the process ids of a service's workers."""
    pid = service.process.pid
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def test_unusable_state_folder_does_not_stop_alerts(tmp_path: Path) -> None:
    """If the service cannot open the spool, it logs the error, still answers requests, and still mails failures."""
    (tmp_path / "state").touch()
    with running_service(tmp_path, DRILL_ROUTE="on") as service:
        answer = service.get("/drill")
        wait_until(lambda: answer.request_id == service.mailbox.next()["X-Request-ID"])  # skips mails about the state
        assert 500 == answer.status
        assert "alert not spooled" in service.events_of(answer.request_id)
        assert any(json.loads(line)["event"] == "alert spool error" for line in service.log_lines())

"""The delivery of mails with a fake clock."""

from sqlite3 import OperationalError

import pytest

from income_tax.alerts import spool
from income_tax.alerts.mail_delivery import RETRIES
from tests.unit.income_tax.alerts.world import World, count


def test_many_failures_cause_one_mail_then_digests_then_recovery(world: World) -> None:
    """Many failures cause a first mail after one second, then digests at the repeat interval, then a recovery mail."""
    world.fail(times=5)
    assert [] == world.after(0.9)
    assert [":5"] == world.after(0.1)
    world.fail(times=100)
    assert [] == world.after(500)
    world.fail(times=20)
    assert [] == world.after(399)
    assert [" [+120:120"] == world.after(1)
    world.fail(times=2)
    assert [] == world.after(599)
    assert [" [recovered]:2"] == world.after(1)
    assert [] == world.after(100_000)


def test_single_failure_is_mailed_once(world: World) -> None:
    """A start-up failure that does not recur is mailed only once, even after a long time."""
    world.fail("startup")
    assert [":1"] == world.after(0)
    assert [] == world.after(1_000_000)


def test_crash_loop_is_mailed_once_per_repeat_interval(world: World) -> None:
    """A crash loop is mailed immediately, and then once per repeat interval until a start succeeds."""
    subjects = []
    for _ in range(40):
        world.fail("startup")
        subjects += world.after(60)
    assert [":1", " [+15:15", " [+15:15"] == subjects
    world.spool.resolve("startup")
    assert [" [recovered]:9"] == world.after(1)
    world.spool.resolve("startup")
    assert [] == world.after(1000)


def test_failure_after_a_recovery_is_new(world: World) -> None:
    """A failure after a recovery mail is mailed immediately."""
    world.fail("startup")
    world.spool.resolve("startup")
    assert [":1"] == world.after(0)
    assert [" [recovered]:0"] == world.after(0)
    world.fail("startup")
    assert [":1"] == world.after(0)


def test_failure_cancels_a_recovery_that_is_not_yet_mailed(world: World) -> None:
    """If a start fails before the recovery mail is sent, the recovery mail is not sent and the incident continues."""
    world.fail("startup")
    assert [":1"] == world.after(0)
    world.spool.resolve("startup")
    world.fail("startup")
    assert [] == world.after(1)
    assert [" [+1:1"] == world.after(900)


def test_each_drill_is_mailed_at_once_and_alone(world: World) -> None:
    """Each drill is mailed immediately and in its own mail, and causes no recovery mail."""
    world.fail("drill", times=2)
    assert [":1", ":1"] == world.after(0)
    world.spool.resolve("drill")
    assert [] == world.after(100_000)


def test_each_route_is_an_incident(world: World) -> None:
    """Failures of two routes are two incidents, each with its own mails."""
    world.fail(route="/a", times=3)
    world.fail(route="/b", times=4)
    assert [":3", ":4"] == world.after(1)


def test_clock_set_back_does_not_suppress_mails(world: World) -> None:
    """When the machine's clock is set back by an hour, an ongoing incident is still mailed."""
    world.fail()
    assert [":1"] == world.after(1)
    world.clock.now -= 3600
    world.fail()
    assert [" [+1:1"] == world.after(1)


def test_clock_set_back_does_not_suppress_a_postponed_mail(world: World) -> None:
    """When the clock is set back by an hour, a postponed mail is due immediately, and its incident continues."""
    world.mailer.broken = True
    world.fail("startup", times=3)
    assert [] == world.after(0)
    world.clock.now -= 3600
    world.mailer.broken = False
    assert [":3"] == world.after(0)
    world.fail("startup")
    assert [" [+1:1"] == world.after(900)


def test_clock_set_back_causes_one_attempt(world: World) -> None:
    """After the clock is set back, a server that is still down gets only one attempt for all postponed mails."""
    world.mailer.broken = True
    world.fail("drill", times=50)
    world.after(0)
    world.clock.now -= 3600
    for _ in range(3):
        world.after(0)
    assert 2 == world.mailer.attempts


def test_no_digest_overtakes_a_postponed_mail(world: World) -> None:
    """After the server recovers, it receives the first mail, and then one digest of all later failures."""
    world.mailer.broken = True
    for _ in range(100):
        world.fail(times=10)
        assert [] == world.after(60)
    assert {"pending": 1, "sent": 0, "dead": 0} == world.spool.count_mails()
    world.mailer.broken = False
    assert [":10"] == world.after(60)
    assert [" [+990:990"] == world.after(1)


def test_one_attempt_at_a_time_while_the_server_is_down(world: World) -> None:
    """A server that does not answer gets only one attempt for all pending mails."""
    world.mailer.broken = True
    world.fail("drill", times=50)
    world.after(0)
    assert 1 == world.mailer.attempts
    world.mailer.broken = False
    assert 50 == len(world.after(1))


def test_mail_is_not_sent_again_when_only_the_spool_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sent mail is not sent again if the spool cannot record the delivery."""

    def full(*_: object) -> None:
        raise OperationalError("database or disk is full")

    world.fail("drill")
    with monkeypatch.context() as disk:
        disk.setattr(world.spool, "close_mail", full)
        for _ in range(3):
            with pytest.raises(OperationalError):
                world.after(60)
    assert [] == world.after(60)
    assert (1, {"pending": 0, "sent": 1, "dead": 0}) == (len(world.mailer.sent), world.spool.count_mails())


def test_temporarily_refused_recipient_delays_no_other_recipient(world: World) -> None:
    """While the server refuses one recipient temporarily, the other recipients get the incident's next mails."""
    world.mailer.refusals = {"b@test": (452, "452 full")}
    world.fail("startup")
    assert [":1"] == world.after(0)
    world.fail("startup", times=7)
    world.after(900)
    digest = world.mailer.sent[-1]
    assert ["", "b@test", ""] == [letter.recipients for letter in world.mailer.sent]
    assert (" [+7", 7) == (digest.suffix.partition(" since")[0], count(digest.body))


def test_spool_deletes_old_closed_incidents(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spool keeps only the newest of the closed incidents, so that its size is bounded."""
    assert 1000 == spool.HISTORY
    monkeypatch.setattr(spool, "HISTORY", 100)
    for _ in range(150):
        world.fail("drill")
        world.after(0)
    with world.spool._store.connect() as db:
        assert [(100,), (100,)] == [
            db.execute("SELECT count(*) FROM incidents").fetchone(),
            db.execute("SELECT count(*) FROM letters").fetchone(),
        ]
    assert {"pending": 0, "sent": 150, "dead": 0} == world.spool.count_mails()


def test_delays_double_with_jitter() -> None:
    """Delays between attempts double up to a minute. The jitter shortens each delay by a random amount."""
    assert [1, 2, 4, 8, 16, 32, 60, 60] == [RETRIES.compute_delay(attempts, lambda: 0.0) for attempts in range(8)]
    assert 30 == RETRIES.compute_delay(1000, lambda: 1.0)

"""Mails that the server refuses or does not confirm: the retries and the dead letters."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from income_tax.alerts.alert import Summary
from income_tax.alerts.channel import MailError, Refusals
from income_tax.alerts.mail_message import MailMessage
from tests.unit.income_tax.alerts.world import World


def test_refused_mail_becomes_a_dead_letter(tmp_path: Path) -> None:
    """A mail that the server refuses six times within 15 minutes becomes a dead letter, and delays no other mail."""
    world = World(tmp_path / "dead")
    world.mailer.refusing = True
    world.fail("drill")
    assert [] == world.after(0)
    world.mailer.refusing = False
    world.fail("drill")
    assert [":1"] == world.after(0)
    world.mailer.refusing = True
    for delay in (5, 25, 120, 300, 449):
        world.after(delay)
    assert {"pending": 1, "sent": 1, "dead": 0} == world.spool.count_mails()
    world.after(1)
    assert [5, 25, 120, 300, 450] == [record["retry_in"] for record in world.records("alert not sent")]
    (dead,) = (tmp_path / "dead").iterdir()
    assert Summary.REQUEST_FAILED in dead.read_text()
    assert [str(dead)] == [record["dead_letter"] for record in world.records("alert refused")]
    assert {"pending": 0, "sent": 1, "dead": 1} == world.spool.count_mails()


def test_mail_that_is_accepted_after_refusals_is_no_dead_letter(world: World) -> None:
    """A mail that the server refuses at first and accepts later is sent once, and becomes no dead letter."""
    world.mailer.refusing = True
    world.fail("drill")
    world.after(0)
    world.after(5)
    world.mailer.refusing = False
    assert [":1"] == world.after(25)
    assert {"pending": 0, "sent": 1, "dead": 0} == world.spool.count_mails()


def test_mail_without_a_last_reply_is_sent_twice_at_most(tmp_path: Path) -> None:
    """A mail whose last reply is missing is sent once more, and then becomes a dead letter."""
    world = World(tmp_path / "dead")
    world.mailer.silent = True
    world.fail("drill")
    for _ in range(10):
        world.after(1000)
    assert 2 == len(world.mailer.sent)
    assert 1 == len({mail.name for mail in world.mailer.sent})
    assert [1, 1] == [len(world.records(event)) for event in ("alert not sent", "alert unconfirmed")]
    assert 1 == len(list((tmp_path / "dead").iterdir()))
    assert {"pending": 0, "sent": 0, "dead": 1} == world.spool.count_mails()


class Killed(BaseException):
    """The end of a process."""


def test_senders_that_die_in_the_last_wait_cause_two_copies_at_most(tmp_path: Path) -> None:
    """If two senders die while they wait for the last reply, the third one sends no copy but writes a dead letter."""
    world = World(tmp_path / "dead")

    def die(mail: MailMessage, before_end: Callable[[], object]) -> Refusals:
        before_end()
        world.mailer.sent.append(mail)
        raise Killed

    world.fail("drill")
    with patch.object(world.mailer, "send", die):
        for _ in range(2):
            with pytest.raises(Killed):
                world.after(0)
        world.after(0)
    assert 2 == len(world.mailer.sent)
    assert 1 == len(world.records("alert unconfirmed"))
    assert {"pending": 0, "sent": 0, "dead": 1} == world.spool.count_mails()


def test_refused_text_counts_as_no_copy(world: World) -> None:
    """A mail whose text the server refuses again and again is still sent, because no copy was delivered."""

    def refuse(_: MailMessage, before_end: Callable[[], object]) -> Refusals:
        before_end()
        raise MailError("451 later", server=False)

    world.fail("drill")
    with patch.object(world.mailer, "send", refuse):
        for _ in range(5):
            world.after(60)
    assert [":1"] == world.after(60)


@pytest.mark.parametrize("silent", [False, True], ids=["refused", "unconfirmed"])
def test_mail_stays_until_its_dead_letter_is_written(tmp_path: Path, silent: bool) -> None:
    """A mail that the server refuses or does not confirm stays in the spool until its dead letter is written."""
    (tmp_path / "file").touch()
    world = World(tmp_path / "file/dead")
    world.mailer.refusing, world.mailer.silent = not silent, silent
    world.fail("drill")
    for _ in range(10):
        world.after(1000)
    assert len(world.mailer.sent) == (2 if silent else 0)
    assert {"pending": 1, "sent": 0, "dead": 0} == world.spool.count_mails()
    (tmp_path / "file").unlink()
    world.after(60)
    assert {"pending": 0, "sent": 0, "dead": 1} == world.spool.count_mails()


def test_refused_recipients_get_the_mail_later(tmp_path: Path) -> None:
    """Each refused recipient gets the mail later. After the last refusal by 5xx, a recipient gets a dead letter."""
    world = World(tmp_path / "dead")
    world.mailer.refusals = {"b@test": (451, "451 later"), "c@test": (550, "550 nobody"), "d@test": (452, "452 full")}
    world.fail("drill")
    assert [":1"] == world.after(0)
    assert {"pending": 1, "sent": 0, "dead": 0} == world.spool.count_mails()
    world.mailer.refusals = {"c@test": (550, "550 nobody"), "d@test": (452, "452 full")}
    for _ in range(5):
        world.after(450)
    assert ["c@test: 550 nobody"] == [record["reason"] for record in world.records("alert refused")]
    (letter,) = (tmp_path / "dead").iterdir()
    assert world.mailer.sent[0].body in letter.read_text()
    world.mailer.refusals = {}
    world.after(60)
    left = ["", "b@test\nc@test\nd@test", *["c@test\nd@test"] * 4, "d@test"]
    assert left == [mail.recipients for mail in world.mailer.sent]
    assert 1 == len({mail.name for mail in world.mailer.sent})
    assert {"pending": 0, "sent": 1, "dead": 0} == world.spool.count_mails()


def test_recipient_that_is_refused_because_of_the_session_waits(tmp_path: Path) -> None:
    """A recipient that the server refuses because of the missing login gets no dead letter."""
    world = World(tmp_path / "dead")
    world.mailer.refusals = {"b@test": (530, "530 5.7.0 Authentication required")}
    world.fail("drill")
    for _ in range(20):
        world.after(1000)
    assert {"pending": 1, "sent": 0, "dead": 0} == world.spool.count_mails()

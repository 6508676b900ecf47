"""A failure that comes and goes while the service runs, such as a failure of the database."""

from itertools import pairwise

import pytest

from tests.unit.income_tax.alerts.world import World, count

REPLICAS = 3
REPEAT = 900


def come_and_go(world: World, seconds: float) -> list[str]:
    """Let the database fail and recover for all replicas, and return the mails of this time."""
    world.fail("database", times=REPLICAS)
    mails = world.after(seconds)
    world.spool.resolve("database")
    mails += world.after(seconds)
    for _ in range(REPLICAS - 1):  # the other replicas detect the recovery later
        world.spool.resolve("database")
    return mails


def test_one_outage_causes_two_mails(world: World) -> None:
    """One outage causes a mail at once, and a mail about the recovery at once."""
    assert [":3", " [recovered]:0"] == come_and_go(world, 1)
    assert [] == world.after(10 * REPEAT)
    assert [] == world.spool.open_incidents()


@pytest.mark.parametrize("seconds", [1, 40, 300, 899])
def test_mails_are_bounded_by_the_repeat_interval(world: World, seconds: float) -> None:
    """However often the database comes and goes, two mails about failures are never closer than ALERT_REPEAT.

    The same holds for two mails about recoveries. The mails count every failure.
    """
    for _ in range(30):
        come_and_go(world, seconds)
    world.after(REPEAT)
    for is_recovery in (False, True):
        times = [mail.time for mail in world.mailer.sent if (mail.suffix == " [recovered]") == is_recovery]
        assert all(later - earlier >= REPEAT for earlier, later in pairwise(times))
    assert 30 * REPLICAS == sum(count(mail.body) for mail in world.mailer.sent)
    assert " [recovered]" == world.mailer.sent[-1].suffix


@pytest.mark.parametrize(("down", "up"), [(1, 1), (20, 20), (7, 40), (300, 2), (2, 300), (450, 450), (899, 899)])
def test_a_flapping_database_is_one_incident(world: World, down: int, up: int) -> None:
    """Many short outages are one incident: the first mail, a recovery mail, then one mail per ALERT_REPEAT at most."""
    for _ in range(200):
        world.fail("database", times=REPLICAS)
        world.after(down)
        for _ in range(REPLICAS):
            world.spool.resolve("database")
            world.after(up / REPLICAS)
    first, recovered, *further = world.mailer.sent
    assert ["", " [recovered]"] == [first.suffix, recovered.suffix]
    assert all(later.time - earlier.time >= REPEAT for earlier, later in pairwise([recovered, *further]))
    assert len(further) <= 200 * (down + up) / REPEAT
    assert 1 == len({mail.name.split(".")[1] for mail in world.mailer.sent})
    world.after(REPEAT)
    world.after(REPEAT)
    assert 200 * REPLICAS == sum(count(mail.body) for mail in world.mailer.sent)
    assert " [recovered]" == world.mailer.sent[-1].suffix
    assert [] == world.spool.open_incidents()


def test_mail_tells_how_often_it_recovered(world: World) -> None:
    """The mail after several outages gives the number of recoveries. It is due ALERT_REPEAT after the last mail."""
    assert [":3", " [recovered]:0"] == come_and_go(world, 1)
    for _ in range(4):
        assert [] == come_and_go(world, 40)
    assert [" [recovered]:12"] == world.after(REPEAT)
    assert "recoveries in all: 5\n" in world.mailer.sent[-1].body


def test_outage_that_lasts_is_mailed_again(world: World) -> None:
    """If the database fails again soon after its recovery and stays down, a mail reports it after ALERT_REPEAT.

    The mail about the second recovery follows ALERT_REPEAT later, because the database comes and goes.
    """
    come_and_go(world, 1)
    world.fail("database")
    assert [] == world.after(REPEAT - 1)
    assert [" [+1:1"] == world.after(1)
    assert "comes and goes" in world.mailer.sent[-1].body
    world.spool.resolve("database")
    assert [] == world.after(REPEAT - 1)
    assert [" [recovered]:0"] == world.after(1)


def test_outage_after_a_lasting_recovery_is_new(world: World) -> None:
    """A failure more than ALERT_REPEAT after the recovery is a new incident, and is mailed at once."""
    come_and_go(world, 1)
    world.after(REPEAT)
    assert [":3", " [recovered]:0"] == come_and_go(world, 1)
    assert 2 == len({mail.name.split(".")[1] for mail in world.mailer.sent})

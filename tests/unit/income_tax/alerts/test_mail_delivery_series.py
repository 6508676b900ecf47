"""The mails count every failure exactly once in any series of failures and outages."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from income_tax.alerts.alert import Kind
from tests.unit.income_tax.alerts.world import World, count


def act_fail(kind: Kind, times: int) -> Callable[[World], int]:
    def act(world: World) -> int:
        world.fail(kind, times=times)
        return times

    return act


def act_wait(seconds: float) -> Callable[[World], int]:
    def act(world: World) -> int:
        world.after(seconds)
        return 0

    return act


def act_server(broken: bool) -> Callable[[World], int]:
    def act(world: World) -> int:
        world.mailer.broken = broken
        return 0

    return act


def act_resolve(world: World) -> int:
    world.spool.resolve("startup")
    return 0


ACTS = st.one_of(
    st.builds(act_fail, st.sampled_from(["request", "startup", "drill"]), st.integers(1, 5)),
    st.builds(act_wait, st.sampled_from([-4000.0, 0.0, 0.5, 1.0, 60.0, 599.0, 600.0, 900.0, 5000.0])),
    st.builds(act_server, st.booleans()),
    st.just(act_resolve),
)


@given(st.lists(ACTS, max_size=40))
def test_counts_add_up(acts: list[Callable[[World], int]]) -> None:
    """The mails' counts add up to the number of failures in any series of failures, delays, recoveries and outages."""
    world = World()
    failures = sum(act(world) for act in acts)
    world.mailer.broken = False
    act_resolve(world)
    for _ in range(4):
        world.after(5000)
    assert failures == sum(count(letter.body) for letter in world.mailer.sent)
    assert len(world.mailer.sent) == len({letter.name for letter in world.mailer.sent})
    assert [] == world.spool.open_incidents()

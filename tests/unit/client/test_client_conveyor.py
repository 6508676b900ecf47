"""The order of works over threads, and how signals end it."""

import signal
import threading
from collections.abc import Iterator

import pytest

from tax_client.calculate.ordered_pool import AHEAD, Conveyor, Interrupted
from tax_client.errors import UserError
from tax_client.interruption import News


class Work:
    """A work by its number; `done` tells that it is."""

    def __init__(self, number: int) -> None:
        self.number, self.done = number, threading.Event()


def finish(work: Work) -> None:
    """Mark a work as done."""
    work.done.set()


def nothing() -> None:
    """What is called at a signal that does not come."""


def test_works_come_back_in_their_order_whoever_is_done_first() -> None:
    """The first work waits for the second one, and is handed back before it all the same."""
    works = [Work(number) for number in range(4)]

    def work(one: Work) -> None:
        if one.number == 0:
            assert works[1].done.wait(30)
        one.done.set()

    assert works == list(Conveyor(work, 2, News(), nothing).run(iter(works)))
    assert all(one.done.is_set() for one in works)


def test_no_more_works_are_taken_than_are_wanted_at_a_time() -> None:
    """A work is only taken from a long row when an earlier one has been handed back."""
    taken: list[int] = []

    def row() -> Iterator[Work]:
        for number in range(50):
            taken.append(number)
            yield Work(number)

    for back, _work in enumerate(Conveyor(finish, 3, News(), nothing).run(row())):
        assert len(taken) <= back + AHEAD * 3
    assert 50 == len(taken)


def test_a_signal_ends_the_row() -> None:
    """After a signal the works under way come back, no further one is taken, and `stop` was called."""
    news, stopped = News(), threading.Event()
    taken: list[int] = []

    def row() -> Iterator[Work]:
        for number in range(1000):
            taken.append(number)
            if number == 10:
                news.put(signal.SIGTERM)
            yield Work(number)

    conveyor = Conveyor(finish, 2, news, stopped.set)
    back = [one.number for one in conveyor.run(row())]
    assert taken == back
    assert 10 < len(back) < 20
    assert stopped.is_set()
    assert signal.SIGTERM == conveyor.signal


def test_a_signal_ends_the_wait_for_the_next_work() -> None:
    """A row that a signal interrupts gives back what there was."""
    news = News()

    def row() -> Iterator[Work]:
        yield Work(1)
        news.put(signal.SIGINT)
        raise Interrupted

    conveyor = Conveyor(finish, 2, news, nothing)
    assert [1] == [one.number for one in conveyor.run(row())]
    assert signal.SIGINT == conveyor.signal


def test_a_second_signal_does_not_wait_for_the_works_under_way() -> None:
    """Whoever interrupts twice has them back as they are."""
    news, held = News(), threading.Event()
    news.put(signal.SIGINT)
    news.put(signal.SIGINT)
    (work,) = Conveyor[Work](lambda _: held.wait(30), 1, news, nothing).run(iter([Work(1)]))
    assert not work.done.is_set()
    held.set()


def test_the_beat_comes_while_a_work_is_waited_for() -> None:
    """A display can be renewed while nothing happens."""
    beaten = threading.Event()
    works = Conveyor[Work](lambda _: beaten.wait(30), 1, News(), nothing, beaten.set, 0.001).run(iter([Work(1)]))
    assert [1] == [one.number for one in works]
    assert beaten.is_set()


def test_it_works_with_the_threads_that_the_system_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there is one thread alone it does all works; when there is none, the limit to raise is named."""
    start, left = threading.Thread.start, [1]

    def limited(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    works = [Work(number) for number in range(5)]
    assert works == list(Conveyor(finish, 3, News(), nothing).run(iter(works)))
    with pytest.raises(UserError, match="ulimit -u"):
        list(Conveyor(finish, 3, News(), nothing).run(iter(works)))

"""Tests of the pool: the order of tasks, the limit of tasks in flight, and the effect of signals."""

import signal
import threading
from collections.abc import Iterator

import pytest

from tax_client.calculate.ordered_pool import AHEAD, OrderedPool
from tax_client.interruption import Interrupted, SignalQueue
from tax_client.user_errors import UserError


class Task:
    """A numbered task with an event that is set when the task is done."""

    def __init__(self, number: int) -> None:
        self.number, self.done = number, threading.Event()


def finish(task: Task) -> None:
    """Mark a task as done."""
    task.done.set()


def ignore() -> None:
    """Do nothing on a signal."""


def test_tasks_return_in_order_whichever_is_done_first() -> None:
    """The pool returns tasks in the order of submission, even if the second task is done first."""
    tasks = [Task(number) for number in range(4)]

    def work(task: Task) -> None:
        if task.number == 0:
            assert tasks[1].done.wait(30)
        task.done.set()

    assert tasks == list(OrderedPool(work, 2, SignalQueue(), ignore).run(iter(tasks)))
    assert all(task.done.is_set() for task in tasks)


def test_the_number_of_tasks_in_flight_is_bounded() -> None:
    """The pool limits the number of tasks that are taken from the iterator and not yet returned."""
    taken: list[int] = []

    def generate() -> Iterator[Task]:
        for number in range(50):
            taken.append(number)
            yield Task(number)

    for returned, _task in enumerate(OrderedPool(finish, 3, SignalQueue(), ignore).run(generate())):
        assert len(taken) <= returned + AHEAD * 3
    assert 50 == len(taken)


def test_a_signal_ends_the_iteration() -> None:
    """After a signal the pool calls `stop`, takes no further task, and returns the tasks in flight."""
    messages, stopped = SignalQueue(), threading.Event()
    taken: list[int] = []

    def generate() -> Iterator[Task]:
        for number in range(1000):
            taken.append(number)
            if number == 10:
                messages.put(signal.SIGTERM)
            yield Task(number)

    pool = OrderedPool(finish, 2, messages, stopped.set)
    returned = [task.number for task in pool.run(generate())]
    assert taken == returned
    assert 10 < len(returned) < 20
    assert stopped.is_set()
    assert signal.SIGTERM == pool.signal


def test_a_signal_ends_the_wait_for_the_next_task() -> None:
    """If a signal interrupts the iterator, the pool returns the tasks taken so far."""
    messages = SignalQueue()

    def generate() -> Iterator[Task]:
        yield Task(1)
        messages.put(signal.SIGINT)
        raise Interrupted

    pool = OrderedPool(finish, 2, messages, ignore)
    assert [1] == [task.number for task in pool.run(generate())]
    assert signal.SIGINT == pool.signal


def test_a_second_signal_ends_the_grace_period() -> None:
    """After a second signal the pool returns the tasks in flight, even if these tasks are not done."""
    messages, held = SignalQueue(), threading.Event()
    messages.put(signal.SIGINT)
    messages.put(signal.SIGINT)
    (task,) = OrderedPool[Task](lambda _: held.wait(30), 1, messages, ignore).run(iter([Task(1)]))
    assert not task.done.is_set()
    held.set()


def test_the_pool_calls_the_heartbeat_while_it_waits() -> None:
    """The pool calls the heartbeat while it waits for a task."""
    beaten = threading.Event()
    pool = OrderedPool[Task](lambda _: beaten.wait(30), 1, SignalQueue(), ignore, beaten.set, 0.001)
    assert [1] == [task.number for task in pool.run(iter([Task(1)]))]
    assert beaten.is_set()


def test_the_pool_works_with_fewer_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread suffices if no further thread can start. If no thread can start, the error names the limit."""
    start, left = threading.Thread.start, [1]

    def start_once(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_once)
    tasks = [Task(number) for number in range(5)]
    assert tasks == list(OrderedPool(finish, 3, SignalQueue(), ignore).run(iter(tasks)))
    with pytest.raises(UserError, match="ulimit -u"):
        list(OrderedPool(finish, 3, SignalQueue(), ignore).run(iter(tasks)))

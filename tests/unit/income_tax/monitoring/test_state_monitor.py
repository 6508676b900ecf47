"""The monitor of the state. Every process logs a full volume, and only the sender of the alerts mails it."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from income_tax.bootstrap.monitor_builders import build_state_monitor
from income_tax.service_log import build_logger
from tests.support.fakes import Lines


class State:
    """The parts that the monitor watches and calls. It records the calls."""

    def __init__(self) -> None:
        self.trouble: str | None = None  # of the status file
        self.throttle_trouble: str | None = None
        self.is_sender = False
        self.calls: list[str] = []

    def find_trouble(self) -> str | None:
        return self.throttle_trouble

    def send(self, alert: Any) -> None:
        self.calls.append(f"mail {alert.answer['response']['errors'][0]}")

    def resolve(self, kind: str) -> None:
        self.calls.append(f"{kind} resolved")


Checks = tuple[State, Callable[[], list[str]]]


@pytest.fixture
def checks() -> Checks:
    """Return the state, and a function that checks it and returns the new calls."""
    state = cast("Any", State())
    monitors = build_state_monitor(state, state, build_logger("api", Lines().write, "json", "info"), state)

    def check() -> list[str]:
        state.calls.clear()
        for monitor in monitors:
            monitor.check()
        return list(state.calls)

    return state, check


def test_the_sender_mails_a_full_volume(checks: Checks) -> None:
    """A full volume is mailed by the sender only, also by a process that becomes the sender later."""
    state, check = checks
    state.trouble = "full"
    assert [] == check()
    state.is_sender = True
    assert [["mail full"], []] == [check(), check()]
    state.trouble = None
    assert [["state resolved"], []] == [check(), check()]


def test_a_lost_lock_is_no_recovery(checks: Checks) -> None:
    """If another process becomes the sender while the volume is full, no recovery is reported."""
    state, check = checks
    state.trouble, state.is_sender = "full", True
    check()
    state.is_sender = False
    assert [] == check()


def test_every_process_mails_its_uncounted_logins(checks: Checks) -> None:
    """Failed logins that are not counted are mailed by the process that noticed them."""
    state, check = checks
    state.throttle_trouble = "broken"
    assert ["mail broken"] == check()

"""Delays between attempts, and the retry that uses these delays."""

from collections.abc import Callable

import pytest

from tax_common.backoff import Backoff, retry


def test_delays_double_up_to_the_longest() -> None:
    """Delays double up to a maximum. The jitter shortens each delay by a random amount."""
    backoff = Backoff(first=1.0, longest=10.0)
    assert [1, 2, 4, 8, 10, 10] == [backoff.compute_delay(n, lambda: 0.0) for n in range(6)]
    assert [0.5, 5.0] == [backoff.compute_delay(n, lambda: 1.0) for n in (0, 10**6)]


def no_pause(seconds: float) -> None:
    """Fail the test, because no pause is expected."""
    pytest.fail(f"a pause of {seconds} s")


def fail(times: int, error: Exception) -> Callable[[], str]:
    """Return an action that fails `times` times."""
    left = [error] * times

    def action() -> str:
        if left:
            raise left.pop()
        return "done"

    return action


def test_transient_errors_are_retried() -> None:
    """An action is retried with the delays of the backoff until it succeeds."""
    pauses: list[float] = []
    action = fail(3, OSError("down"))
    assert "done" == retry(action, 60, Backoff(1, 8, jitter=0), lambda error: isinstance(error, OSError), pauses.append)
    assert [1, 2, 4] == pauses


def test_a_permanent_error_is_raised_at_once() -> None:
    """A permanent error is raised immediately and is not retried."""
    with pytest.raises(ValueError, match="wrong"):
        retry(fail(1, ValueError("wrong")), 60, Backoff(1, 8), lambda error: isinstance(error, OSError), no_pause)


def test_the_last_error_is_raised_after_the_timeout() -> None:
    """After the timeout the error of the last attempt is raised."""
    with pytest.raises(OSError, match="down"):
        retry(fail(1, OSError("down")), 0, Backoff(1, 8), lambda _: True, no_pause)

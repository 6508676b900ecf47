"""Which failures are worth another request, and the longest pause that a server may ask for."""

from collections.abc import Mapping
from typing import Any

import pytest
import structlog

from tax_client.api.failures import KINDS, PASSING
from tax_client.api.responses import ApiError
from tax_client.api.retry import Retries
from tax_client.client_log import Log

LASTING = ["TLS error", "request failed", "not JSON", "wrong shape", "wrong echo", "refused"]
LASTING_STATUSES = ["status 301", "status 400", "status 401", "status 403", "status 404", "status 413", "status 500"]


def pauses_after(error: ApiError, most: int = 1) -> list[float]:
    """The pauses before the retries of a request that ends so; none is waited for, the first one ends all."""
    told: list[float] = []

    def keep(_logger: Any, _level: str, event: structlog.typing.EventDict) -> Mapping[str, Any]:
        told.append(event["seconds"])
        retries.stop()
        raise structlog.DropEvent

    def fail(_request_id: str) -> None:
        raise error

    wrapper = structlog.make_filtering_bound_logger("debug")
    log: Log = structlog.wrap_logger(None, processors=[keep], wrapper_class=wrapper)
    retries = Retries(most, log)
    reason, _request_id = retries.send(fail)
    assert str(error) == reason
    return told


@pytest.mark.parametrize(
    "kind",
    [
        *("unknown host", "connection refused", "connection lost", "timeout"),
        *("status 429", "status 502", "status 503", "status 504"),
    ],
)
def test_what_may_pass_is_asked_again(kind: str) -> None:
    """A connection that fails, a 429 and what a proxy without its server says are asked again, if that is allowed."""
    assert 1 == len(pauses_after(ApiError(kind, "no")))
    assert [] == pauses_after(ApiError(kind, "no"), most=0)


@pytest.mark.parametrize("kind", [*LASTING, *LASTING_STATUSES])
def test_what_lasts_is_not_asked_again(kind: str) -> None:
    """Whatever would come out the same again is not asked again, not even if the server says when to come back."""
    assert [] == pauses_after(ApiError(kind, "no", 1))


def test_every_kind_without_an_answer_is_known_to_pass_or_to_last() -> None:
    """A kind of failure that is added has to be put on one of both sides here."""
    assert {kind for _exceptions, kind, _message in KINDS} <= PASSING | set(LASTING)


@pytest.mark.parametrize(("asked", "pauses"), [(299.5, [299.5]), (300, [300]), (300.001, []), (999_999_999, [])])
def test_five_minutes_are_the_longest_pause(asked: float, pauses: list[float]) -> None:
    """A server may ask for 300 seconds, and has them; one that asks for more is not asked again."""
    assert pauses == pauses_after(ApiError("status 429", "slow down", asked))

"""What a thread does with a group of taxpayers: ask for the tax of each, or of all at once, and log it."""

import sys
from collections.abc import Sequence
from typing import Protocol

from tax_client.api.failures import TOO_LARGE
from tax_client.api.responses import ApiError
from tax_client.api.results import Fields
from tax_client.api.retry import Retries
from tax_client.client_log import Log
from tax_client.taxpayers.reader import Taxpayer

from .batches import UNSENT, Failure, Group


class Calculator(Protocol):
    """What calculates; shared by all threads. Raises ApiError."""

    def calculate(self, taxpayer: Taxpayer, request_id: str) -> Fields:
        """The result of one."""

    def calculate_many(self, taxpayers: Sequence[Taxpayer], request_id: str) -> list[Fields | ApiError]:
        """The result or the error of each, in their order."""


class Calculation:
    """What threads do with groups; `retries` is how often a request is sent again. Its methods are safe for threads."""

    def __init__(self, calculator: Calculator, log: Log, *, in_batches: bool = False, retries: int = 0) -> None:
        self._calculator, self._log, self._in_batches = calculator, log, in_batches
        self._retries = Retries(retries, log)
        self._most = sys.maxsize  # taxpayers of one request that the server takes, as far as is known

    @property
    def refused(self) -> bool:
        """Whether the service has refused the login: nothing was sent after that."""
        return self._retries.refused

    def calculate(self, group: Group) -> None:
        """What a thread does: calculate the taxpayers of a group, one after the other or all at once."""
        if group.taxpayers and not self._retries.stopped:
            self._go_through(group)
        if self.refused:
            group.left_out = UNSENT

    def _go_through(self, group: Group) -> None:
        """Calculate the taxpayers of a group, and log its begin and end."""
        taxpayers = group.taxpayers
        logged = group.logged or self._in_batches
        if logged:
            self._log.info("thread_start", place="run", taxpayers=len(taxpayers))
        if self._in_batches:
            self._calculate_all(taxpayers, group)
        else:
            for taxpayer in taxpayers:
                if not self._retries.stopped:
                    self._calculate(taxpayer, group)
        if logged:
            self._log.info("thread_end", place="run", taxpayers=len(taxpayers))

    def stop(self) -> None:
        """Start no request any more."""
        self._retries.stop()

    def _calculate(self, taxpayer: Taxpayer, group: Group) -> None:
        """Calculate one taxpayer."""

        def ask(request_id: str) -> Fields:
            group.request_ids[taxpayer.id] = request_id
            if group.logged:
                self._log.info("calculation_start", place="run", taxpayer=taxpayer.given())
            return self._calculator.calculate(taxpayer, request_id)

        outcome, request_id = self._retries.send(ask)
        if isinstance(outcome, str):
            group.outcomes[taxpayer.id] = Failure(taxpayer.id, outcome, request_id)
            told = {"taxpayer": taxpayer.given(), "reason": outcome, "request_id": request_id}
            self._log.warning("calculation_failure", place="run", **told)
            return
        group.outcomes[taxpayer.id] = outcome
        if group.logged:
            result = {"id": taxpayer.id, **outcome}
            self._log.info("calculation_end", place="run", result=result, request_id=request_id)

    def _calculate_all(self, taxpayers: list[Taxpayer], group: Group) -> None:
        """Calculate all taxpayers of a group with one request, or with as few as the server makes necessary."""
        begin = 0
        while begin < len(taxpayers) and not self._retries.stopped:
            part = taxpayers[begin : begin + self._most]
            if self._calculate_part(part, group):
                begin += len(part)
            else:
                self._most = min(self._most, len(part) // 2)

    def _calculate_part(self, taxpayers: list[Taxpayer], group: Group) -> bool:
        """Calculate taxpayers with one request; False when it is too large for the server, and there may be less."""

        def ask(request_id: str) -> list[Fields | ApiError] | None:
            group.request_ids.update(dict.fromkeys([one.id for one in taxpayers], request_id))
            told = {"taxpayers": len(taxpayers), "first": taxpayers[0].id, "last": taxpayers[-1].id}
            self._log.info("batch_start", place="run", **told)
            try:
                return self._calculator.calculate_many(taxpayers, request_id)
            except ApiError as error:
                if error.kind != TOO_LARGE or len(taxpayers) == 1:
                    raise
                return None

        found, request_id = self._retries.send(ask)
        if found is None:
            self._log.warning("batch_too_large", place="run", taxpayers=len(taxpayers), request_id=request_id)
            return False
        outcomes = [found] * len(taxpayers) if isinstance(found, str) else found
        failed = 0
        for taxpayer, outcome in zip(taxpayers, outcomes, strict=True):
            if isinstance(outcome, dict):
                group.outcomes[taxpayer.id] = outcome
            else:
                failed += 1
                group.outcomes[taxpayer.id] = Failure(taxpayer.id, str(outcome), request_id)
        told = {"calculated": len(taxpayers) - failed, "failed": failed, "request_id": request_id}
        self._log.info("batch_end", place="run", **told)
        return True

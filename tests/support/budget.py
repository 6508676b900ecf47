"""How much a run of the tests tries: `make test` shows each claim once, `make test-all` (THOROUGH=1) tries far more."""

import os
from collections.abc import Sequence
from itertools import product
from typing import TypeVar

Amount = TypeVar("Amount")
Other = TypeVar("Other")
THOROUGH = os.environ.get("THOROUGH") == "1"
# Where a tool that tests need is missing, they skip and print why; here they fail instead.
REQUIRED = bool(os.environ.get("REQUIRE_DOCKER") or os.environ.get("CI"))


def budget(usual: Amount, thorough: Amount) -> Amount:
    """The amount (rounds, requests, generated examples) of this run."""
    return thorough if THOROUGH else usual


def pairs(some: Sequence[Amount], others: Sequence[Other]) -> list[tuple[Amount, Other]]:
    """The parameters of a test that has two: each value of both once, or every combination."""
    return budget(list(zip(some, others, strict=True)), list(product(some, others)))

"""Amounts of test work: `make test` checks each claim once, `make test-all` (THOROUGH=1) far more often."""

import os
from collections.abc import Sequence
from itertools import product
from typing import TypeVar

Amount = TypeVar("Amount")
Other = TypeVar("Other")
THOROUGH = os.environ.get("THOROUGH") == "1"
# Tests without a required tool are skipped with a reason. With REQUIRED they fail instead.
REQUIRED = bool(os.environ.get("REQUIRE_DOCKER") or os.environ.get("CI"))


def budget(usual: Amount, thorough: Amount) -> Amount:
    """Return the amount of rounds, requests or examples for this run."""
    return thorough if THOROUGH else usual


def pairs(some: Sequence[Amount], others: Sequence[Other]) -> list[tuple[Amount, Other]]:
    """Return pairs of test parameters: each value once, or every combination in a thorough run."""
    return budget(list(zip(some, others, strict=True)), list(product(some, others)))

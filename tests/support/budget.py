"""The amount of test work. `make test` does the usual amount, and `make test-all` sets THOROUGH=1 and does more."""

import os
from collections.abc import Sequence
from itertools import product
from typing import TypeVar

Amount = TypeVar("Amount")
Other = TypeVar("Other")
THOROUGH = os.environ.get("THOROUGH") == "1"
# If a tool is missing, a test is skipped with a reason. If REQUIRED is set, the test fails instead.
REQUIRED = bool(os.environ.get("REQUIRE_DOCKER") or os.environ.get("CI"))


def budget(usual: Amount, thorough: Amount) -> Amount:
    """Return `thorough` in a thorough run, and `usual` in any other run."""
    return thorough if THOROUGH else usual


def pairs(some: Sequence[Amount], others: Sequence[Other]) -> list[tuple[Amount, Other]]:
    """Return pairs of test parameters. A usual run has each value once, and a thorough run has every combination."""
    return budget(list(zip(some, others, strict=True)), list(product(some, others)))

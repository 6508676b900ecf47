"""How much a run of the tests tries: `make test` shows each claim once, `make test-all` (THOROUGH=1) tries far more."""

import os
from typing import TypeVar

Amount = TypeVar("Amount")
THOROUGH = os.environ.get("THOROUGH") == "1"
# Where a tool that tests need is missing, they skip and print why; here they fail instead.
REQUIRED = bool(os.environ.get("REQUIRE_DOCKER") or os.environ.get("CI"))


def budget(usual: Amount, thorough: Amount) -> Amount:
    """The amount (rounds, requests, generated examples) of this run."""
    return thorough if THOROUGH else usual

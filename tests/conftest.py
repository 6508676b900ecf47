"""What holds for all tests."""

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support")  # so that a failed assert of theirs shows its values

from tests.support.budget import THOROUGH, budget  # noqa: E402 - after the line above, which asks for it

# However slow the machine is, no test judges by time. A usual run generates the same examples each time: it cannot
# fail by chance on an old defect. A thorough run draws new ones, and prints how to repeat the one that fails.
settings.register_profile(
    "tests",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=budget(20, 100),
    derandomize=not THOROUGH,
    print_blob=THOROUGH,
    database=None,
)
settings.load_profile("tests")

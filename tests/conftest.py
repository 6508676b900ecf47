"""Settings of all tests: assert rewriting and hypothesis profiles."""

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support")  # show the values in failed asserts of tests.support

from tests.support.budget import THOROUGH, budget  # noqa: E402 - must follow register_assert_rewrite

# Examples have no deadline, because no test may depend on the machine's speed. A usual run always generates the same
# examples, so that an old defect cannot make a run fail by chance. A thorough run draws new examples and prints the
# code that reproduces a failing example.
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

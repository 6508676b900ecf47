"""Settings of all tests: assert rewriting and hypothesis profiles."""

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support")  # so that failed asserts there show their values

from tests.support.budget import THOROUGH, budget  # noqa: E402 - must follow register_assert_rewrite

# No test depends on the machine's speed. A usual run always generates the same examples, so that it cannot fail by
# chance on an old defect. A thorough run draws new examples and prints how to reproduce a failing one.
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

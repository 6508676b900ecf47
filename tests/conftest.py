"""What holds for all tests."""

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support")  # so that a failed assert of theirs shows its values

# However slow the machine is: no test judges by time.
settings.register_profile("any machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("mutants", parent=settings.get_profile("any machine"), max_examples=25, derandomize=True)
settings.load_profile("any machine")

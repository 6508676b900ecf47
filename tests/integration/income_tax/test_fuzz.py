"""Generated well-formed and malformed requests to the running service."""

import base64
from collections import Counter

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.budget import budget
from tests.support.fuzz import attack, troubles
from tests.support.service import Service

EXAMPLES, REQUESTS = budget(25, 100), 30


def test_no_response_above_4xx(service: Service) -> None:
    """The service answers each generated request with JSON and a status below 500, and sends no alert."""
    seen = Counter[str]()

    @settings(max_examples=EXAMPLES, phases=[Phase.generate])
    @given(st.binary(min_size=4000, max_size=4000))
    def send(entropy: bytes) -> None:
        outcomes = attack(service.port, base64.b64encode(b"client:secret"), entropy, REQUESTS)
        assert [] == troubles(outcomes)
        seen.update(outcomes)

    send()
    assert seen.total() >= EXAMPLES * REQUESTS
    assert min(seen["200"], seen["400"], seen["401"]) > EXAMPLES, seen
    assert min(seen["404"], seen["405"], seen["415"]) > EXAMPLES / 20, seen
    assert seen["none"] < EXAMPLES * 1.5, seen
    assert service.mailbox.empty()

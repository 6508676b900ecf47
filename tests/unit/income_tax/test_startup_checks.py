"""Whether the machine lets the service have its threads."""

from pathlib import Path

import pytest

from income_tax.startup_checks import describe_thread_excess, read_thread_limit


@pytest.mark.parametrize(("text", "allowed"), [("200\n", 200), ("max\n", None)])
def test_the_limit_of_the_control_group_is_read(tmp_path: Path, text: str, allowed: int | None) -> None:
    """The first limit that can be read counts; the word `max` and no file at all mean that there is none."""
    limit = tmp_path / "pids.max"
    limit.write_text(text)
    assert allowed == read_thread_limit((tmp_path / "missing", limit))
    assert read_thread_limit((tmp_path / "missing",)) is None


def test_more_threads_than_allowed_are_said() -> None:
    """The sentence says how many are needed, how many there may be and which settings to change."""
    sentence = describe_thread_excess(4, 64, 200)
    assert sentence.startswith("4 workers of 64 threads need 292 processes and threads, and 200 are allowed here")
    assert all(setting in sentence for setting in ("API_WORKERS", "API_THREADS", "API_PIDS"))


def test_what_is_allowed_is_not_spoken_of() -> None:
    """As many as allowed, or any number without a limit, is nothing to say."""
    assert "" == describe_thread_excess(4, 64, 292)
    assert "" == describe_thread_excess(256, 1024, None)

"""The startup check of the container's thread limit."""

from pathlib import Path

import pytest

from income_tax.startup_checks import describe_thread_excess, read_thread_limit


@pytest.mark.parametrize(("text", "allowed"), [("200\n", 200), ("max\n", None)])
def test_the_limit_of_the_control_group_is_read(tmp_path: Path, text: str, allowed: int | None) -> None:
    """The first readable file determines the limit. The word `max` or a missing file means that there is no limit."""
    limit = tmp_path / "pids.max"
    limit.write_text(text)
    assert allowed == read_thread_limit((tmp_path / "missing", limit))
    assert read_thread_limit((tmp_path / "missing",)) is None


def test_too_many_threads_are_described() -> None:
    """The message has the required number of threads, the limit, and the settings to change."""
    sentence = describe_thread_excess(4, 64, 200)
    assert sentence.startswith("4 workers of 64 threads need 296 processes and threads, and 200 are allowed here")
    assert all(setting in sentence for setting in ("API_WORKERS", "API_THREADS", "API_PIDS"))


def test_threads_within_the_limit_are_no_error() -> None:
    """No error is reported if the number of threads is within the limit, or if there is no limit."""
    assert "" == describe_thread_excess(4, 64, 296)
    assert "" == describe_thread_excess(256, 1024, None)

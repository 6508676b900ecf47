"""The startup check of the container's thread limit."""

from pathlib import Path

import pytest

from income_tax import startup_checks
from income_tax.cli import main
from income_tax.startup_checks import describe_thread_excess, read_thread_limit
from tests.support.commands import called


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
    assert sentence.startswith("4 workers of 64 threads need 308 processes and threads, and 200 are allowed here")
    assert all(setting in sentence for setting in ("API_WORKERS", "API_THREADS", "API_PIDS"))


def test_threads_within_the_limit_are_no_error() -> None:
    """No error is reported if the number of threads is within the limit, or if there is no limit."""
    assert "" == describe_thread_excess(4, 64, 308)
    assert "" == describe_thread_excess(256, 1024, None)


def test_check_names_too_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """`income-tax check` compares the threads with the limit of its container, and exits with code 64."""
    monkeypatch.setattr(startup_checks, "read_thread_limit", lambda: 51)
    assert 0 == called(main, "check", environment={"WORKERS": "1", "THREADS": "20"}).returncode
    refused = called(main, "check", environment={"WORKERS": "1", "THREADS": "21"})
    assert 64 == refused.returncode
    assert refused.stderr.startswith("income-tax: 1 workers of 21 threads need 52 processes and threads, and 51 are")


def test_errors_contain_no_control_characters() -> None:
    """The command escapes the control characters of an invalid setting in its error message."""
    refused = called(main, "check", environment={"LOG_FORMAT": "\x1b[2Jx\x9b"})
    assert (64, r"income-tax: LOG_FORMAT is [\x1b[2Jx\x9b]; expected json or text") == (
        refused.returncode,
        refused.stderr.removesuffix("\n"),
    )

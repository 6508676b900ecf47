"""Tests of the assignment of profile samples to parts of the program."""

from pathlib import Path

import pytest

from bench.profile_parts import SOCKETS, part_of, shares

THREAD = (
    "Worker._serve (/x/income_tax/server/leader_follower/worker.py:144);"
    "ThreadWorker.handle (/x/gunicorn/workers/gthread.py:532)"
)


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        (f"{THREAD};Parser.__next__ (/x/gunicorn/http/parser.py:119)", "gunicorn: parser"),
        (f"{THREAD};create (/x/gunicorn/http/wsgi.py:233);encode (<frozen os>:756)", "gunicorn: response"),
        (
            f"{THREAD};FastPathMiddleware.__call__ (/x/income_tax/http/middleware/fast_path.py:60)",
            "request id, counters and fast path",
        ),
        (
            f"{THREAD};Authenticator.verify (/x/income_tax/http/auth/basic_auth.py:9);digest (/usr/lib/hmac.py:198)",
            "authentication",
        ),
        (f"{THREAD};bare (/x/bench/baseline_apps.py:25)", "bare callable"),
        (THREAD, "gunicorn: worker and threads"),
        ("Other.run (/usr/lib/other.py:3)", "rest"),
        ("", "rest"),
    ],
)
def test_a_sample_counts_for_the_innermost_part(stack: str, part: str) -> None:
    """A sample counts for its innermost frame in a known part. Without such a frame, the sample counts for the rest."""
    assert part == part_of(stack)


@pytest.mark.parametrize(
    "innermost",
    [
        "LeaderLock.acquire (/x/income_tax/server/leader_follower/leader_lock.py:33)",
        "_worker (/usr/lib/concurrent/futures/thread.py:81)",
        "EpollSelector.select (/usr/lib/selectors.py:468)",
        "Condition.wait (/usr/lib/threading.py:331)",
    ],
)
def test_a_thread_that_waits_counts_for_nothing(innermost: str) -> None:
    """A sample is ignored if the thread waits for work in its innermost frame."""
    assert None is part_of(f"run (/usr/lib/threading.py:1);{innermost}")
    assert None is not part_of(f"{innermost};bare (/x/bench/baseline_apps.py:25)")


def test_a_line_that_calls_a_socket_counts_for_the_sockets(tmp_path: Path) -> None:
    """A sample counts for the sockets if its innermost line calls a socket or a poller."""
    source = tmp_path / "own.py"
    lines = ("self.sock.sendall(data)", "self._selector.register(fd)", "super().send(data)", "self._epoll.poll(1)")
    source.write_text("\n".join([*lines, "self.socket_name = 1"]))
    assert [*[SOCKETS] * 4, "rest"] == [part_of(f"write ({source}:{line})") for line in range(1, 6)]


def test_shares_exclude_waiting_threads() -> None:
    """The shares exclude the samples of waiting threads, and their sum is 1."""
    lines = [
        f"{THREAD} 30\n",
        "bare (/x/bench/baseline_apps.py:25) 10\n",
        "LeaderLock.acquire (/x/income_tax/server/leader_follower/leader_lock.py:33) 900\n",
    ]
    assert {"gunicorn: worker and threads": 0.75, "bare callable": 0.25} == shares(lines)


def test_shares_exclude_lines_without_a_count() -> None:
    """The shares exclude a line that py-spy wrote without a count."""
    lines = ["Mon, 30 Nov 2026 18:32:11 GMT\n", "bare (/x/bench/baseline_apps.py:25) 10\n"]
    assert {"bare callable": 1.0} == shares(lines)

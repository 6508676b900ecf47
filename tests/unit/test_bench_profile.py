"""Tests of the assignment of profile samples to parts."""

from pathlib import Path

import pytest

from bench.parts import SOCKETS, part_of, shares

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
            "request id, counters, the fast path",
        ),
        (
            f"{THREAD};Authenticator.is_cached (/x/income_tax/http/auth/basic_auth.py:9);digest (/usr/lib/hmac.py:198)",
            "login",
        ),
        (f"{THREAD};bare (/x/bench/hello.py:25)", "the bare callable"),
        (THREAD, "gunicorn: worker, its threads"),
        ("Other.run (/usr/lib/other.py:3)", "rest"),
        ("", "rest"),
    ],
)
def test_a_sample_counts_for_the_innermost_part(stack: str, part: str) -> None:
    """A library frame counts for its innermost known caller, or for `rest` if no caller is known."""
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
def test_a_waiting_thread_is_not_counted(innermost: str) -> None:
    """A sample counts only if its innermost frame is not waiting for work."""
    assert None is part_of(f"run (/usr/lib/threading.py:1);{innermost}")
    assert None is not part_of(f"{innermost};bare (/x/bench/hello.py:25)")


def test_a_line_that_calls_a_socket_counts_for_the_sockets(tmp_path: Path) -> None:
    """A sample whose innermost line calls a socket or poller counts for the sockets."""
    source = tmp_path / "own.py"
    lines = ("self.sock.sendall(data)", "self._selector.register(fd)", "super().send(data)", "self._epoll.poll(1)")
    source.write_text("\n".join([*lines, "self.socket_name = 1"]))
    assert [*[SOCKETS] * 4, "rest"] == [part_of(f"write ({source}:{line})") for line in range(1, 6)]


def test_shares_exclude_waiting_threads() -> None:
    """The shares exclude the samples of waiting threads and add up to one."""
    lines = [
        f"{THREAD} 30\n",
        "bare (/x/bench/hello.py:25) 10\n",
        "LeaderLock.acquire (/x/income_tax/server/leader_follower/leader_lock.py:33) 900\n",
    ]
    assert {"gunicorn: worker, its threads": 0.75, "the bare callable": 0.25} == shares(lines)

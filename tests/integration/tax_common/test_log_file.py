"""Tests of the log file: rotation by renaming, full disks, forks and pipes."""

import errno
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from tax_common.logs import LogFile, log_file
from tests.support.budget import budget
from tests.support.fakes import FakeClock
from tests.support.waiting import wait_until

WRITER = """
import itertools, sys
from pathlib import Path
from tax_common.logs import LogFile, log_file
looks = itertools.count()
log = LogFile(Path(sys.argv[1]), lambda: next(looks) * log_file.CHECK_EVERY / 25)  # a check every 25 lines
for number in range(int(sys.argv[3])):
    if number % int(sys.argv[4]) == 0:
        print("ready", flush=True)
        sys.stdin.readline()
    log.write(f"{sys.argv[2]} {number} {'x' * (number * 37 % 9000)}\\n".encode())
"""


def test_concurrent_writers_and_renames_lose_no_line(tmp_path: Path) -> None:
    """If four processes write while the file is renamed, each line is written completely and exactly once."""
    log, lines, part = tmp_path / "a.log", budget(1500, 3000), 250
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, log, str(n), str(lines), str(part)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    for number in range(lines // part):
        assert ["ready\n"] * 4 == [writer.stdout.readline() for writer in writers if writer.stdout]
        for writer in writers:
            assert writer.stdin
            writer.stdin.write("go on\n")
            writer.stdin.flush()
        wait_until(log.exists)
        log.rename(tmp_path / f"a.log.{number}")  # renames the file while all processes write
    assert [""] * 4 == [writer.communicate(timeout=60)[0] for writer in writers]
    assert [0] * 4 == [writer.returncode for writer in writers]
    seen = Counter(line for path in tmp_path.iterdir() for line in path.read_text().split("\n")[:-1])
    assert {f"{n} {i} {'x' * (i * 37 % 9000)}": 1 for n in range(4) for i in range(lines)} == dict(seen)


@pytest.mark.parametrize("replaced", [False, True])
def test_log_reopens_after_a_rename(tmp_path: Path, replaced: bool) -> None:
    """After a rename, the next check opens the file with the original name, or creates the file if it is missing."""
    clock, path = FakeClock(), tmp_path / "a.log"
    log = LogFile(path, clock)
    path.rename(tmp_path / "a.log.1")
    if replaced:
        path.touch()
    log.write(b"before the look\n")
    clock.now += log_file.CHECK_EVERY
    log.write(b"after\n")
    assert b"before the look\n" == (tmp_path / "a.log.1").read_bytes()
    assert b"after\n" == path.read_bytes()


def test_no_thread_writes_during_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread checks the file, other threads do not write, because the open file might have been deleted."""
    clock, path = FakeClock(), tmp_path / "a.log"
    log = LogFile(path, clock)
    path.unlink()
    clock.now += log_file.CHECK_EVERY
    looking, go_on = threading.Event(), threading.Event()

    def slow_room(_log: LogFile) -> bool:
        looking.set()
        return go_on.wait(60)

    monkeypatch.setattr(LogFile, "_has_room", slow_room)
    threads = [threading.Thread(target=log.write, args=(line,)) for line in (b"first\n", b"second\n")]
    threads[0].start()
    assert looking.wait(60)
    threads[1].start()
    threads[1].join(0.2)
    assert threads[1].is_alive()
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert {b"first", b"second"} == set(path.read_bytes().splitlines())


def test_a_full_disk_is_reported_once(tmp_path: Path) -> None:
    """The log reports a write error once, and reports the number of lost lines when a write succeeds again."""
    clock, path = FakeClock(), tmp_path / "a.log"
    path.symlink_to("/dev/full")
    log = LogFile(path, clock)
    told: list[object] = []
    log.on_loss, log.on_resume = told.append, told.append
    for _ in range(3):
        log.write(b"lost\n")
    trouble = "this process lost 3 log line(s): No space left on device"
    assert (3, ["No space left on device"], trouble) == (log.lost, told, log.trouble)
    path.unlink()
    clock.now += log_file.CHECK_EVERY
    log.write(b"kept\n")
    assert ["No space left on device", 3] == told
    assert (None, b"kept\n") == (log.trouble, path.read_bytes())


def test_read_only_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk is read-only, the log counts the line as lost and does not raise OSError."""
    log = LogFile(tmp_path / "a.log")

    def refuse(_fd: int, _line: bytes) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "write", refuse)
    log.write(b"lost\n")
    assert 1 == log.lost


def test_nearly_full_disk_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the free space is below the reserve, the log writes nothing, so that no line is truncated."""
    clock = FakeClock()
    log = LogFile(tmp_path / "a.log", clock)
    monkeypatch.setattr(log_file, "RESERVE", 1 << 62)
    clock.now += log_file.CHECK_EVERY
    log.write(b"lost\n")
    monkeypatch.undo()
    log.write(b"lost as well, until the next look\n")
    clock.now += log_file.CHECK_EVERY
    log.write(b"kept\n")
    assert (2, b"kept\n") == (log.lost, (tmp_path / "a.log").read_bytes())


def test_incomplete_line_of_another_writer_gets_a_line_end(tmp_path: Path) -> None:
    """If another process left an incomplete line, two writers together add exactly one line end."""
    clock, path = FakeClock(), tmp_path / "a.log"
    logs = [LogFile(path, clock), LogFile(path, clock)]
    logs[0].write(b"first\n")
    with path.open("ab") as other:
        other.write(b'{"cut')
    clock.now += log_file.CHECK_EVERY
    for log in logs:
        log.write(b"whole\n")
    assert b'first\n{"cut\nwhole\nwhole\n' == path.read_bytes()


def test_a_fork_reports_its_own_loss(tmp_path: Path) -> None:
    """A process that is forked during a loss reports its own first loss, and counts only its own lost lines."""
    path = tmp_path / "a.log"
    path.symlink_to("/dev/full")
    log = LogFile(path)
    log.write(b"lost by the parent\n")
    told: list[object] = []
    log.on_loss = told.append
    child = os.fork()
    if not child:
        log.write(b"lost by the child\n")
        log.write(b"lost by the child, too\n")
        os._exit(0 if (2, 1) == (log.lost, len(told)) else 1)
    assert (child, 0) == os.waitpid(child, 0)
    assert (1, []) == (log.lost, told)


def test_a_pipe_is_written_to_like_a_file(tmp_path: Path) -> None:
    """The log writes to a pipe, keeps the mode of the pipe, and counts a line as lost if the pipe has no reader."""
    path, clock = tmp_path / "pipe", FakeClock()
    os.mkfifo(path, 0o600)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log = LogFile(path, clock)
    log.write(b"first\n")
    clock.now += log_file.CHECK_EVERY
    log.write(b"second\n")
    assert (b"first\nsecond\n", 0) == (os.read(reader, 100), log.lost)
    assert 0o600 == path.stat().st_mode & 0o777
    os.close(reader)
    log.write(b"lost\n")
    assert "this process lost 1 log line(s): Broken pipe" == log.trouble


def test_short_write_does_not_join_lines(tmp_path: Path) -> None:
    """After a truncated write, no writer appends a line until the incomplete line has a line end."""
    script = """
import resource, sys
from pathlib import Path
from tax_common.logs import LogFile
now = [0.0]
log, other = [LogFile(Path(sys.argv[1]), lambda: now[0]) for _ in range(2)]
log.write(b"first\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
log.write(b"second line\\n")
other.write(b"no room\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
other.write(b"too early\\n")
now[0] = 1.0
other.write(b"third\\n")
log.write(b"fourth\\n")
print(log.lost, other.lost)
"""
    path = tmp_path / "a.log"
    ended = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert "1 2\n" == ended.stdout
    assert b"first\nseco\nthird\nfourth\n" == path.read_bytes()

"""The lock of one process per host, and its transfer from a process that stands still."""

from pathlib import Path

from tax_common.files import ProcessLock, build_process_name


def test_a_lock_is_taken_away_only_from_the_named_holder(tmp_path: Path) -> None:
    """After the transfer another lock object acquires the lock, and the former holder notices the loss."""
    path = tmp_path / "lock"
    former, new, judge = ProcessLock(path), ProcessLock(path), ProcessLock(path)
    judge.take_away(build_process_name())  # nobody holds the lock yet
    assert [True, False] == [former.try_acquire(), new.try_acquire()]
    judge.take_away("somebody-1")
    assert [True, False] == [former.try_acquire(), new.try_acquire()]
    judge.take_away(build_process_name())
    assert [True, False] == [new.try_acquire(), former.try_acquire()]
    assert [True, False] == [new.is_held, former.is_held]
    new.release()
    assert former.try_acquire()

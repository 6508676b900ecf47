"""Rotation of logs by size or on demand, and the removal of the oldest archives."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from income_tax import log_rotation
from income_tax.log_rotation import rotate, rotate_forever
from tests.support.locks import is_locked
from tests.support.service import COMMAND, running_service
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"


def logs(folder: Path) -> dict[str, Path]:
    """Create the logs of a volume, and return a mapping from each log's name to its path."""
    paths = {name: folder / name for name in ("api/api.log", "nginx/access.log", "nginx/error.log", "postgres/x-1.log")}
    for path in paths.values():
        path.parent.mkdir(exist_ok=True)
        path.write_text("x" * 100)
    return paths


def test_small_logs_stay_unchanged(tmp_path: Path) -> None:
    """The rotation does not change a log that is not larger than the limit."""
    logs(tmp_path)
    assert ([], []) == rotate(tmp_path, 100, 3)


def test_one_rotation_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotation locks the folder, so that two concurrent rotations cannot archive the same log twice."""
    logs(tmp_path)
    held: dict[str, set[bool]] = {}
    for name in ("rename_log", "truncate_log", "remove_old_archives"):
        seen = held.setdefault(name, set())
        monkeypatch.setattr(log_rotation, name, lambda *_, seen=seen: seen.add(is_locked(tmp_path)))
    rotate(tmp_path, 99, 3)
    assert {"rename_log": {True}, "truncate_log": {True}, "remove_old_archives": {True}} == held
    assert not is_locked(tmp_path)


def test_large_logs_are_renamed_or_truncated(tmp_path: Path) -> None:
    """The rotation renames the API's log and nginx's access log, and copies and truncates the other logs."""
    paths = logs(tmp_path)
    inode = paths["nginx/error.log"].stat().st_ino
    assert sorted(paths.values()) == sorted(rotate(tmp_path, 99, 3).rotated)
    assert ["", "x" * 100] == [path.read_text() for path in sorted((tmp_path / "api").iterdir())]
    assert (inode, 0) == (paths["nginx/error.log"].stat().st_ino, paths["nginx/error.log"].stat().st_size)
    assert "x" * 100 == (tmp_path / "nginx/error.log.1").read_text()


def test_oldest_archives_are_deleted(tmp_path: Path) -> None:
    """The rotation deletes all archives except the newest three."""
    for number in range(6):
        logs(tmp_path)["api/api.log"].write_text(str(number) * 100)
        rotate(tmp_path, 99, 3)
    kept = sorted((tmp_path / "api").glob("api.log.*"))
    assert ["333", "444", "555"] == [path.read_text()[:3] for path in kept]


def test_an_error_of_one_log_does_not_stop_the_rotation(tmp_path: Path) -> None:
    """If one log cannot be rotated, `rotate` rotates all other logs, reports the error and exits with 1."""
    paths = logs(tmp_path)
    (tmp_path / "nginx/error.log.1").mkdir()
    done = rotate(tmp_path, 99, 3)
    assert sorted(set(paths.values()) - {paths["nginx/error.log"]}) == sorted(done.rotated)
    assert [f"cannot rotate {paths['nginx/error.log']}: Is a directory"] == done.errors
    command = subprocess.run([*COMMAND, "rotate", tmp_path, "--now"], capture_output=True, text=True, check=False)
    assert (1, f"income-tax: {done.errors[0]}\n") == (command.returncode, command.stderr)


def test_log_on_a_full_disk_is_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk has no space for a copy, the rotation truncates the log without a copy."""

    def full(_source: Path, target: Path) -> None:
        target.write_text("part")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfile", full)
    paths = logs(tmp_path)
    assert [] == rotate(tmp_path, 99, 3).errors
    assert (0, False) == (paths["nginx/error.log"].stat().st_size, (tmp_path / "nginx/error.log.1").exists())


def test_each_rotation_touches_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rotation loop prints errors, continues after errors, and touches the file `alive` after each rotation."""
    logs(tmp_path)
    (tmp_path / "nginx/error.log.1").mkdir()
    alive, looks = tmp_path / "alive", []

    class Enough(Exception):
        """An exception that ends the rotation loop."""

    def pause(_seconds: float) -> None:
        alive.unlink()  # unlink() raises an error if the rotation did not touch the file
        looks.append(capsys.readouterr().out.count("cannot rotate"))
        if len(looks) == 3:
            raise Enough

    with pytest.raises(Enough):
        rotate_forever(tmp_path, 99, 3, 5, alive, pause)
    assert [1, 1, 1] == looks


@pytest.mark.parametrize("step", ["touch", "chmod", "replace"])
def test_archives_stay_unchanged_after_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """If the rotation of a log fails repeatedly, the archives of the log stay unchanged."""
    for number in range(3):
        logs(tmp_path)["api/api.log"].write_text(str(number) * 100)
        rotate(tmp_path, 99, 3)
    logs(tmp_path)
    before = {path.name: path.read_text() for path in (tmp_path / "api").glob("api.log*")}

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, step, refuse)
    for _ in range(5):
        assert f"cannot rotate {tmp_path}/api/api.log: No space left on device" in rotate(tmp_path, 99, 3).errors
    assert before == {path.name: path.read_text() for path in (tmp_path / "api").glob("api.log*")}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["/nowhere"], 1, "income-tax: /nowhere: expected the folder of the logs"),
        ([".", "--every", "-1"], 64, "expected a number of seconds above 0, found [-1]"),
    ],
)
def test_wrong_usage_causes_one_message(arguments: list[str], code: int, said: str) -> None:
    """The command rejects a missing folder or an invalid interval with one message."""
    command = subprocess.run([*COMMAND, "rotate", *arguments], capture_output=True, text=True, check=False)
    assert code == command.returncode
    assert said in command.stderr


def test_command_rotates_a_log_in_use(tmp_path: Path) -> None:
    """After `rotate --now` on a log in use, the archive and the new log together contain all lines."""
    folder = tmp_path / "logs/api"
    folder.mkdir(parents=True)
    with running_service(tmp_path, LOG_FILE=str(folder / "api.log")) as service:
        ids = [service.get(TARGET).request_id]
        subprocess.run([*COMMAND, "rotate", tmp_path / "logs", "--now"], env=dict(os.environ), check=True)

        def written() -> int:
            ids.append(service.get(TARGET).request_id)
            return (folder / "api.log").stat().st_size

        wait_until(written)
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    assert 2 == len(list(folder.iterdir()))
    assert [2] * len(ids) == [sum(i in line for line in lines) for i in ids]

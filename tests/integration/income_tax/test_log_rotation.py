"""Rotation: logs set aside by size or on demand, and the oldest archives dropped."""

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
    """A folder of logs, as on the volume."""
    paths = {name: folder / name for name in ("api/api.log", "nginx/access.log", "nginx/error.log", "postgres/x-1.log")}
    for path in paths.values():
        path.parent.mkdir(exist_ok=True)
        path.write_text("x" * 100)
    return paths


def test_small_logs_are_left_alone(tmp_path: Path) -> None:
    """What is not larger than the limit stays as it is."""
    logs(tmp_path)
    assert ([], []) == rotate(tmp_path, 100, 3)


def test_one_rotation_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is done with a log is done with the folder locked: by hand and unattended, no log is set aside twice."""
    logs(tmp_path)
    held: dict[str, set[bool]] = {}
    for name in ("set_aside", "cut", "prune"):
        seen = held.setdefault(name, set())
        monkeypatch.setattr(log_rotation, name, lambda *_, seen=seen: seen.add(is_locked(tmp_path)))
    rotate(tmp_path, 99, 3)
    assert {"set_aside": {True}, "cut": {True}, "prune": {True}} == held
    assert not is_locked(tmp_path)


def test_large_logs_are_renamed_or_cut(tmp_path: Path) -> None:
    """API's and nginx's logs are renamed; other services' logs are copied and cut in place."""
    paths = logs(tmp_path)
    inode = paths["nginx/error.log"].stat().st_ino
    assert sorted(paths.values()) == sorted(rotate(tmp_path, 99, 3).rotated)
    assert ["", "x" * 100] == [path.read_text() for path in sorted((tmp_path / "api").iterdir())]
    assert (inode, 0) == (paths["nginx/error.log"].stat().st_ino, paths["nginx/error.log"].stat().st_size)
    assert "x" * 100 == (tmp_path / "nginx/error.log.1").read_text()


def test_oldest_archives_are_dropped(tmp_path: Path) -> None:
    """Of many archives the newest are kept."""
    for number in range(6):
        logs(tmp_path)["api/api.log"].write_text(str(number) * 100)
        rotate(tmp_path, 99, 3)
    kept = sorted((tmp_path / "api").glob("api.log.*"))
    assert ["333", "444", "555"] == [path.read_text()[:3] for path in kept]


def test_one_log_s_trouble_is_not_the_others(tmp_path: Path) -> None:
    """A log that cannot be set aside is named; all others are rotated all the same, by the command too."""
    paths = logs(tmp_path)
    (tmp_path / "nginx/error.log.1").mkdir()
    done = rotate(tmp_path, 99, 3)
    assert sorted(set(paths.values()) - {paths["nginx/error.log"]}) == sorted(done.rotated)
    assert [f"cannot rotate {paths['nginx/error.log']}: Is a directory"] == done.errors
    command = subprocess.run([*COMMAND, "rotate", tmp_path, "--now"], capture_output=True, text=True, check=False)
    assert (1, f"income-tax: {done.errors[0]}\n") == (command.returncode, command.stderr)


def test_a_full_disk_gets_its_room_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be copied for want of room is emptied all the same."""

    def full(_source: Path, target: Path) -> None:
        target.write_text("part")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfile", full)
    paths = logs(tmp_path)
    assert [] == rotate(tmp_path, 99, 3).errors
    assert (0, False) == (paths["nginx/error.log"].stat().st_size, (tmp_path / "nginx/error.log.1").exists())


def test_each_look_is_a_sign_of_life(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Looking again and again says what is wrong and goes on, and touches a file after each look."""
    logs(tmp_path)
    (tmp_path / "nginx/error.log.1").mkdir()
    alive, looks = tmp_path / "alive", []

    class Enough(Exception):
        """Ends the loop."""

    def pause(_seconds: float) -> None:
        alive.unlink()  # an error, if it was not touched
        looks.append(capsys.readouterr().out.count("cannot rotate"))
        if len(looks) == 3:
            raise Enough

    with pytest.raises(Enough):
        rotate_forever(tmp_path, 99, 3, 5, alive, pause)
    assert [1, 1, 1] == looks


@pytest.mark.parametrize("step", ["touch", "chmod", "replace"])
def test_trouble_costs_no_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """However often a log cannot be set aside, its archives stay, and no name is added to them."""
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
def test_wrong_use_is_said(arguments: list[str], code: int, said: str) -> None:
    """A folder that is not there, and a time that is none, are a sentence each."""
    command = subprocess.run([*COMMAND, "rotate", *arguments], capture_output=True, text=True, check=False)
    assert code == command.returncode
    assert said in command.stderr


def test_command_rotates_a_running_service_s_log(tmp_path: Path) -> None:
    """`rotate --now` on a live log: the lines before are in the archive, those after in a new file, none is missing."""
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

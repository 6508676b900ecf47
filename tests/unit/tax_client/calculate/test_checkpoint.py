"""Tests of the checkpoint on disk: its content, and the errors about unusable checkpoints."""

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from tax_client.calculate.checkpoint import REMEDY, Checkpoint, Counts, SavedPrefix, locate_checkpoint, read_checkpoint
from tax_client.taxpayers.reader import Position
from tax_client.user_errors import UserError

RUN = {"input": "/in", "size": 7}
WHOLE = Checkpoint(RUN, Position(10, 2), SavedPrefix(5, "ab"), SavedPrefix(6, "cd", 8), Counts(1, 2, 3))


def test_a_checkpoint_lies_beside_the_results(tmp_path: Path) -> None:
    """The path of the checkpoint is the resolved path of the results file with the suffix .checkpoint."""
    (tmp_path / "link").symlink_to(tmp_path / "results.json")
    assert tmp_path / "results.json.checkpoint" == locate_checkpoint(tmp_path / "link")


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A checkpoint that is read back equals the written checkpoint, and no temporary file remains."""
    path = tmp_path / "c"
    WHOLE.write(path)
    assert WHOLE == read_checkpoint(path, RUN)
    assert [path] == list(tmp_path.iterdir())


def test_a_checkpoint_is_replaced_atomically(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint is written to a temporary file. The complete temporary file replaces the previous checkpoint."""
    path, names = tmp_path / "c", list[str]()
    replace = Path.replace

    def note(draft: Path, target: Path) -> Path:
        names.append(draft.name)
        assert orjson.loads(draft.read_bytes())["run"] == RUN
        return replace(draft, target)

    monkeypatch.setattr(Path, "replace", note)
    WHOLE.write(path)
    assert ["c.new"] == names


def test_a_checkpoint_is_synced_before_the_replacement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is synced before it replaces the previous checkpoint, and then its folder is synced."""
    steps: list[str] = []
    replace = Path.replace

    def note_replace(draft: Path, target: Path) -> Path:
        steps.append("replace")
        return replace(draft, target)

    monkeypatch.setattr(os, "fsync", lambda _: steps.append("fsync"))
    monkeypatch.setattr(Path, "replace", note_replace)
    WHOLE.write(tmp_path / "c")
    assert ["fsync", "replace", "fsync"] == steps


def test_an_unwritable_checkpoint_is_an_error(tmp_path: Path) -> None:
    """The error about a path that cannot be written contains a remedy."""
    path = tmp_path / "missing" / "c"
    wanted = f"checkpoint [{path}]: No such file or directory: use --results to name a writable file"
    with pytest.raises(UserError) as caught:
        WHOLE.write(path)
    assert wanted == str(caught.value)


def test_a_missing_checkpoint_is_none(tmp_path: Path) -> None:
    """The reader returns None if the checkpoint file does not exist."""
    assert read_checkpoint(tmp_path / "c", RUN) is None


def catch_error(path: Path, run: dict[str, Any] = RUN) -> str:
    """Return the error message about an unusable checkpoint."""
    with pytest.raises(UserError) as caught:
        read_checkpoint(path, run)
    return str(caught.value)


def test_an_unreadable_checkpoint_is_an_error(tmp_path: Path) -> None:
    """The error about a checkpoint that cannot be read contains a remedy."""
    assert f"checkpoint [{tmp_path}]: Is a directory: remove the checkpoint and {REMEDY}" == catch_error(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{}", "'run'"),
        (b'{"run":{}}', "'results'"),
        (b"[]", "list indices must be integers or slices, not str"),
    ],
)
def test_another_file_is_not_a_checkpoint(tmp_path: Path, content: bytes, reason: str) -> None:
    """The error about a file that is not a checkpoint contains the reason."""
    path = tmp_path / "c"
    path.write_bytes(content)
    assert f"--resume: [{path}]: expected a checkpoint of the client ({reason}): {REMEDY}" == catch_error(path)


def test_the_checkpoint_of_another_run_is_an_error(tmp_path: Path) -> None:
    """The error lists each option that differs from the checkpoint. Other options of the checkpoint are ignored."""
    path = tmp_path / "c"
    WHOLE.write(path)
    wanted = "input was [/in] and is now [/other]; year was [None] and is now [2024]"
    assert f"--resume: expected the same file and options as before, but {wanted}: {REMEDY}" == catch_error(
        path, {"input": "/other", "year": 2024}
    )
    assert WHOLE == read_checkpoint(path, {"size": 7})

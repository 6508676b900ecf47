"""The checkpoint on the disk: what is written, what is read, and the words for one that cannot be gone on with."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tax_client.calculate.atomic_output import Kept
from tax_client.calculate.checkpoint import AGAIN, Checkpoint, Counts, place_of, read_checkpoint
from tax_client.errors import UserError
from tax_client.taxpayers.reader import Position

RUN = {"input": "/in", "size": 7}
WHOLE = Checkpoint(RUN, Position(10, 2), Kept(5, "ab"), Kept(6, "cd", 8), Counts(1, 2, 3))


def test_counts_are_added() -> None:
    """Each count is added to its own."""
    assert Counts(11, 22, 33) == Counts(1, 2, 3) + Counts(10, 20, 30)


def test_a_checkpoint_lies_beside_the_results(tmp_path: Path) -> None:
    """The checkpoint has the name of the results, through links, with an ending of its own."""
    (tmp_path / "link").symlink_to(tmp_path / "results.json")
    assert tmp_path / "results.json.checkpoint" == place_of(tmp_path / "link")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A checkpoint is read as it was written, and nothing else is left in the folder."""
    path = tmp_path / "c"
    WHOLE.write(path)
    assert WHOLE == read_checkpoint(path, RUN)
    assert [path] == list(tmp_path.iterdir())


def test_a_checkpoint_is_replaced_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint grows under a name of its own, and takes the place of the former when it is whole."""
    path, names = tmp_path / "c", list[str]()
    replace = Path.replace

    def note(draft: Path, target: Path) -> Path:
        names.append(draft.name)
        assert orjson.loads(draft.read_bytes())["run"] == RUN
        return replace(draft, target)

    monkeypatch.setattr(Path, "replace", note)
    WHOLE.write(path)
    assert ["c.new"] == names


def test_a_checkpoint_that_cannot_be_written(tmp_path: Path) -> None:
    """A place that cannot be written is told with the way out."""
    path = tmp_path / "missing" / "c"
    wanted = f"checkpoint [{path}]: No such file or directory: give a place that can be written with --results"
    with pytest.raises(UserError) as caught:
        WHOLE.write(path)
    assert wanted == str(caught.value)


def test_no_checkpoint(tmp_path: Path) -> None:
    """Where there is none there is none."""
    assert read_checkpoint(tmp_path / "c", RUN) is None


def told(path: Path, run: dict[str, Any] = RUN) -> str:
    """The words for a checkpoint that cannot be gone on with."""
    with pytest.raises(UserError) as caught:
        read_checkpoint(path, run)
    return str(caught.value)


def test_a_checkpoint_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that cannot be read is told with the way out."""
    assert f"checkpoint [{tmp_path}]: Is a directory: remove it and {AGAIN}" == told(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{}", "'run'"),
        (b'{"run":{}}', "'results'"),
        (b"[]", "list indices must be integers or slices, not str"),
    ],
)
def test_what_is_no_checkpoint(tmp_path: Path, content: bytes, reason: str) -> None:
    """A file that is no checkpoint is told with the reason."""
    path = tmp_path / "c"
    path.write_bytes(content)
    assert f"--resume: [{path}]: expected a checkpoint of the client ({reason}): {AGAIN}" == told(path)


def test_another_run_s_checkpoint(tmp_path: Path) -> None:
    """All that differs from the run before is told; what the run before had beside that does not matter."""
    path = tmp_path / "c"
    WHOLE.write(path)
    wanted = "input was [/in], is [/other]; year was [None], is [2024]"
    assert f"--resume: expected the same file and options as before, but {wanted}: {AGAIN}" == told(
        path, {"input": "/other", "year": 2024}
    )
    assert WHOLE == read_checkpoint(path, {"size": 7})

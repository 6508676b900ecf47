"""Tests of the output files and the checkpoint that are on disk after the process dies at any step."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tax_client.calculate.batches import Batch
from tax_client.calculate.checkpoint import Checkpoint, locate_checkpoint, read_checkpoint
from tax_client.calculate.output_draft import OutputFile
from tax_client.calculate.result_formats import JsonArray
from tax_client.calculate.result_writer import ResultWriter
from tax_client.taxpayers.reader import BadLine, Position, Taxpayer
from tax_client.user_errors import UserError

TAXPAYERS = [Taxpayer(number, "no", 0, number) for number in range(1, 5)]
RUN = {"input": "somewhere"}


class Died(BaseException):
    """An exception that simulates the death of the process."""


def build_batch(*lines: Taxpayer | BadLine) -> Batch:
    """Build a calculated batch of these lines."""
    outcomes = {one.id: {"salary": one.salary} for one in lines if isinstance(one, Taxpayer)}
    end = max(one.id if isinstance(one, Taxpayer) else one.line for one in lines)
    return Batch(list(lines), Position(10 * end, end), outcomes=dict(outcomes))


BATCHES = [
    build_batch(TAXPAYERS[0], BadLine(2, "x", "why")),
    build_batch(TAXPAYERS[2]),
    build_batch(TAXPAYERS[3], BadLine(5, "y", "why")),
]


@contextmanager
def open_writer(folder: Path, begun: Checkpoint | None, name: str = "results.json") -> Iterator[ResultWriter]:
    """Yield a result writer. If `begun` is a checkpoint, the writer resumes its run. Otherwise it starts a new run."""
    saved = (begun.results, begun.errors) if begun else (None, None)
    results, errors = OutputFile(folder / name, saved[0]), OutputFile(folder / "errors.jsonl", saved[1])
    with results as one, errors as other:
        yield ResultWriter(one, other, begun or Checkpoint(RUN), True, JsonArray)


def read_folder(folder: Path) -> dict[str, str]:
    """Return a mapping from name to content for the files in a folder."""
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, str]:
    """Return a mapping from name to content for the files of a run that completes."""
    folder = tmp_path / "whole"
    folder.mkdir()
    with open_writer(folder, None) as undisturbed:
        for one in BATCHES:
            undisturbed.write(one)
        assert [] == undisturbed.publish(whole=True)
    assert {"results.json", "errors.jsonl"} == set(read_folder(folder))
    return read_folder(folder)


@pytest.mark.parametrize("dies_at", ["results", "errors", "checkpoint"])
def test_a_death_while_publishing_loses_nothing(
    tmp_path: Path, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    """A run that dies during publication can be resumed, and then writes the same files as a run that completes."""
    folder = tmp_path / "run"
    folder.mkdir()

    def die(_: object, **_more: object) -> None:
        raise Died

    with monkeypatch.context() as patch, pytest.raises(Died), open_writer(folder, None) as first:  # noqa: PT012 - any statement of the run can raise Died
        first.write(BATCHES[0])
        first.save(now=True)
        first.write(BATCHES[1])
        if dies_at == "checkpoint":
            patch.setattr(Path, "unlink", die)
        else:
            publish = OutputFile.publish
            patch.setattr(OutputFile, "publish", lambda file: (die if dies_at in file.path.name else publish)(file))
        first.publish(whole=True)
    begun = read_checkpoint(locate_checkpoint(folder / "results.json"), RUN)
    assert begun is not None
    assert BATCHES[0].end == begun.position
    with open_writer(folder, begun) as second:
        for one in BATCHES[1:]:
            second.write(one)
        assert [] == second.publish(whole=True)
    assert whole == read_folder(folder)


def test_a_checkpoint_with_shorter_files_is_rejected(tmp_path: Path) -> None:
    """A run is not resumed if an output file is shorter than the size that the checkpoint records."""
    with open_writer(tmp_path, None) as first:
        first.write(BATCHES[0])
        first.save(now=True)
    (tmp_path / "errors.jsonl.part").write_bytes(b"")
    begun = read_checkpoint(locate_checkpoint(tmp_path / "results.json"), RUN)
    wanted = r"errors.jsonl\]: expected the output of the interrupted run"
    with pytest.raises(UserError, match=wanted), open_writer(tmp_path, begun):
        pass


@pytest.mark.parametrize("in_good_order", [False, True])
def test_a_checkpoint_with_files_of_another_run_is_rejected(tmp_path: Path, in_good_order: bool) -> None:
    """If the errors file belongs to another run, the run is not resumed and no file is changed."""
    with open_writer(tmp_path, None) as first:
        first.write(BATCHES[0])
        first.save(now=True)
        if in_good_order:
            assert [] == first.publish(whole=False)
    other = build_batch(BadLine(3, "x", "why"))
    with open_writer(tmp_path, None, "other.json") as second:
        second.write(other)
        second.save(now=True)
        if in_good_order:
            assert [] == second.publish(whole=True)
    before = read_folder(tmp_path)
    begun = read_checkpoint(locate_checkpoint(tmp_path / "results.json"), RUN)
    wanted = r"errors.jsonl\]: expected the output of the interrupted run, but the file is missing or was changed by"
    with pytest.raises(UserError, match=wanted), open_writer(tmp_path, begun):
        pass
    assert before == read_folder(tmp_path)


def test_a_run_without_a_checkpoint_leaves_nothing(tmp_path: Path) -> None:
    """At the end of a run without a checkpoint, the draft is removed."""
    with OutputFile(tmp_path / "results.json") as file:
        file.write(b"[")
        assert ["results.json.part"] == list(read_folder(tmp_path))
    assert {} == read_folder(tmp_path)

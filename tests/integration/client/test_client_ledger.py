"""The two output files and the checkpoint on a real disk, at moments when a process may end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tax_client.calculate.atomic_output import OutputFile
from tax_client.calculate.batches import Group
from tax_client.calculate.checkpoint import Checkpoint, place_of, read_checkpoint
from tax_client.calculate.formats import JsonArray
from tax_client.calculate.result_writer import Ledger
from tax_client.errors import UserError
from tax_client.taxpayers.reader import BadLine, Position, Taxpayer

TAXPAYERS = [Taxpayer(number, "no", 0, number) for number in range(1, 5)]
RUN = {"input": "somewhere"}


class Died(BaseException):
    """The process ends here."""


def group(*lines: Taxpayer | BadLine) -> Group:
    """A group that is calculated."""
    outcomes = {one.id: {"salary": one.salary} for one in lines if isinstance(one, Taxpayer)}
    end = max(one.id if isinstance(one, Taxpayer) else one.line for one in lines)
    return Group(list(lines), Position(10 * end, end), outcomes=dict(outcomes))


GROUPS = [group(TAXPAYERS[0], BadLine(2, "x", "why")), group(TAXPAYERS[2]), group(TAXPAYERS[3], BadLine(5, "y", "why"))]


@contextmanager
def ledger(folder: Path, begun: Checkpoint | None, name: str = "results.json") -> Iterator[Ledger]:
    """The files of a run, from its beginning or from where it had come."""
    kept = (begun.results, begun.errors) if begun else (None, None)
    results, errors = OutputFile(folder / name, kept[0]), OutputFile(folder / "errors.jsonl", kept[1])
    with results as one, errors as other:
        yield Ledger(one, other, begun or Checkpoint(RUN), True, JsonArray)


def contents(folder: Path) -> dict[str, str]:
    """What lies in a folder."""
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, str]:
    """The files of a run that nothing disturbed."""
    folder = tmp_path / "whole"
    folder.mkdir()
    with ledger(folder, None) as undisturbed:
        for one in GROUPS:
            undisturbed.write(one)
        assert [] == undisturbed.publish(whole=True)
    assert {"results.json", "errors.jsonl"} == set(contents(folder))
    return contents(folder)


@pytest.mark.parametrize("dies_at", ["results", "errors", "checkpoint"])
def test_a_death_while_the_files_are_put_in_place_costs_nothing(
    tmp_path: Path, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    """Whichever step of the end a run does not live to see, going on from its checkpoint gives the same files."""
    folder = tmp_path / "run"
    folder.mkdir()

    def die(_: object, **_more: object) -> None:
        raise Died

    with monkeypatch.context() as patch, pytest.raises(Died), ledger(folder, None) as first:  # noqa: PT012 - a whole run
        first.write(GROUPS[0])
        first.save(now=True)
        first.write(GROUPS[1])
        if dies_at == "checkpoint":
            patch.setattr(Path, "unlink", die)
        else:
            publish = OutputFile.publish
            patch.setattr(OutputFile, "publish", lambda file: (die if dies_at in file.path.name else publish)(file))
        first.publish(whole=True)
    begun = read_checkpoint(place_of(folder / "results.json"), RUN)
    assert begun is not None
    assert GROUPS[0].end == begun.position
    with ledger(folder, begun) as second:
        for one in GROUPS[1:]:
            second.write(one)
        assert [] == second.publish(whole=True)
    assert whole == contents(folder)


def test_a_checkpoint_whose_files_are_shorter_is_refused(tmp_path: Path) -> None:
    """Outputs that hold less than the checkpoint says cannot be gone on with."""
    with ledger(tmp_path, None) as first:
        first.write(GROUPS[0])
        first.save(now=True)
    (tmp_path / "errors.jsonl.part").write_bytes(b"")
    begun = read_checkpoint(place_of(tmp_path / "results.json"), RUN)
    wanted = r"errors.jsonl\]: expected what the interrupted run has written"
    with pytest.raises(UserError, match=wanted), ledger(tmp_path, begun):
        pass


@pytest.mark.parametrize("in_good_order", [False, True])
def test_a_checkpoint_whose_files_another_run_has_written_is_refused(tmp_path: Path, in_good_order: bool) -> None:
    """An errors file of another run, whatever its size, is not gone on with, and nothing is changed."""
    with ledger(tmp_path, None) as first:
        first.write(GROUPS[0])
        first.save(now=True)
        if in_good_order:
            assert [] == first.publish(whole=False)
    other = group(BadLine(3, "x", "why"))
    with ledger(tmp_path, None, "other.json") as second:
        second.write(other)
        second.save(now=True)
        if in_good_order:
            assert [] == second.publish(whole=True)
    before = contents(tmp_path)
    begun = read_checkpoint(place_of(tmp_path / "results.json"), RUN)
    wanted = r"errors.jsonl\]: expected what the interrupted run has written, it is gone, or changed by another run"
    with pytest.raises(UserError, match=wanted), ledger(tmp_path, begun):
        pass
    assert before == contents(tmp_path)


def test_a_run_that_ends_without_a_checkpoint_leaves_nothing(tmp_path: Path) -> None:
    """A draft is removed with its run, unless a checkpoint needs it."""
    with OutputFile(tmp_path / "results.json") as file:
        file.write(b"[")
        assert ["results.json.part"] == list(contents(tmp_path))
    assert {} == contents(tmp_path)

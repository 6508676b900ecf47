"""Each step of the ledger by itself: what it writes, when it saves, and what it leaves on the disk."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tax_client.calculate import result_writer as module
from tax_client.calculate.atomic_output import OutputFile
from tax_client.calculate.batches import Failure, Group
from tax_client.calculate.checkpoint import Checkpoint, Counts, place_of, read_checkpoint
from tax_client.calculate.formats import JsonArray
from tax_client.calculate.result_writer import Ledger
from tax_client.errors import UserError
from tax_client.taxpayers.reader import BadLine, Position, Taxpayer

RUN = {"input": "somewhere"}
BAD = BadLine(2, "x", "why")


def group(first: int, *bad: BadLine) -> Group:
    """A group of two taxpayers, the second one without a result, and bad lines."""
    one, other = Taxpayer(first, "no", 0, 1), Taxpayer(first + 1, "no", 0, 1)
    return Group([one, *bad, other], Position(10 * first, first + 1), outcomes={first: {"salary": 1}}, left_out="left")


@contextmanager
def ledger(folder: Path, resumable: bool = True, begun: Checkpoint | None = None) -> Iterator[Ledger]:
    """The ledger of a run in a folder."""
    kept = (begun.results, begun.errors) if begun else (None, None)
    with OutputFile(folder / "r.json", kept[0]) as results, OutputFile(folder / "e.jsonl", kept[1]) as errors:
        yield Ledger(results, errors, begun or Checkpoint(RUN), resumable, JsonArray)


def names(folder: Path) -> set[str]:
    """The names in a folder."""
    return {path.name for path in folder.iterdir()}


def lines(folder: Path) -> list[dict[str, object]]:
    """The lines of the errors file."""
    return [orjson.loads(line) for line in (folder / "e.jsonl").read_bytes().splitlines()]


def test_a_group_is_written_and_counted(tmp_path: Path) -> None:
    """Results and problems go to their files in the order of the lines, and each is counted as what it is."""
    with ledger(tmp_path, resumable=False) as book:
        book.write(group(1, BAD))
        book.write(group(3))
        assert Position(30, 4) == book.position
        assert Counts(2, 2, 1) == book.summary.counts
        assert [1, 3] == [number for number, _ in book.summary.results]
        assert [Failure(2, "left", None), Failure(4, "left", None)] == book.summary.failures
        assert [BAD] == book.summary.bad_lines
        assert [] == book.publish(whole=True)
    assert '[\n  {"id":1,"salary":1},\n  {"id":3,"salary":1}\n]\n' == (tmp_path / "r.json").read_text()
    assert [
        {"line": 2, "text": "x", "reason": "why"},
        *({"id": n, "reason": "left", "request_id": None} for n in (2, 4)),
    ] == [
        {name: value for name, value in line.items() if value is not None or name == "request_id"}
        for line in lines(tmp_path)
    ]
    assert {"r.json", "e.jsonl"} == names(tmp_path)


@pytest.mark.parametrize(("one_by_one", "written"), [(True, 3), (False, 0)])
def test_what_is_left_is_listed_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_by_one: bool, written: int
) -> None:
    """After an interruption a thousand lines are listed one by one, or none; those after them as one."""
    monkeypatch.setattr(module, "LISTED", 6)
    with ledger(tmp_path, resumable=False) as book:
        book.leave(iter([group(1), group(3), group(5), group(7)]), one_by_one=one_by_one)
        assert 2 * written == book.position.line
        assert [] == book.publish(whole=True)
    assert 2 * written + 1 == lines(tmp_path)[-1]["line"]
    assert written + 1 == len(lines(tmp_path))


def test_an_input_that_ends_leaves_nothing_unread(tmp_path: Path) -> None:
    """Where the lines end before the limit, there are none after them."""
    with ledger(tmp_path, resumable=False) as book:
        book.leave(iter([group(1)]), one_by_one=True)
        assert [] == book.publish(whole=True)
    assert [2] == [line["id"] for line in lines(tmp_path)]


def test_a_checkpoint_is_saved_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint is saved when the last one is a second old, at once when asked, and by a resumable run alone."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    place = place_of(tmp_path / "r.json")
    with ledger(tmp_path) as book:
        book.write(group(1))
        now[0] = 100.75
        book.save()
        assert not place.exists()
        now[0] = 101.0
        book.save()
        saved = read_checkpoint(place, RUN)
        assert saved is not None
        assert (Position(10, 2), Counts(1, 1, 0), RUN) == (saved.position, saved.counts, saved.run)
        assert ((tmp_path / "r.json.part").stat().st_size, (tmp_path / "e.jsonl.part").stat().st_size) == (
            saved.results.size,
            saved.errors.size,
        )
        book.write(group(3))
        now[0] = 101.75
        book.save()
        assert saved == read_checkpoint(place, RUN)
        book.save(now=True)
        later = read_checkpoint(place, RUN)
        assert later is not None
        assert Position(30, 4) == later.position
    assert {"r.json.part", "e.jsonl.part", "r.json.checkpoint"} == names(tmp_path)


def test_no_checkpoint_of_what_cannot_be_resumed(tmp_path: Path) -> None:
    """A run that cannot be gone on with saves nothing, and leaves nothing when it ends before its time."""
    with ledger(tmp_path, resumable=False) as book:
        book.write(group(1))
        book.save(now=True)
        assert {"r.json.part", "e.jsonl.part"} == names(tmp_path)
    assert set() == names(tmp_path)


def test_the_end_before_the_end_can_be_gone_on_with(tmp_path: Path) -> None:
    """An interrupted run that publishes notes in its checkpoint how large the files in their places are."""
    with ledger(tmp_path) as book:
        book.write(group(1))
        book.save(now=True)
        book.write(group(3))
        assert [] == book.publish(whole=False)
    begun = read_checkpoint(place_of(tmp_path / "r.json"), RUN)
    assert begun is not None
    assert (Position(10, 2), Counts(1, 1, 0)) == (begun.position, begun.counts)
    sizes = [(tmp_path / name).stat().st_size for name in ("r.json", "e.jsonl")]
    assert sizes == [begun.results.published, begun.errors.published]
    assert begun.results.size < sizes[0]
    with ledger(tmp_path, begun=begun) as book:
        assert (begun.position, begun.counts) == (book.position, book.summary.counts)
        book.write(group(3))
        assert [] == book.publish(whole=True)
    assert '[\n  {"id":1,"salary":1},\n  {"id":3,"salary":1}\n]\n' == (tmp_path / "r.json").read_text()
    assert {"r.json", "e.jsonl"} == names(tmp_path)


def test_a_run_that_publishes_before_its_first_checkpoint(tmp_path: Path) -> None:
    """A run interrupted before anything was saved leaves a checkpoint of its beginning; one that is whole, none."""
    with ledger(tmp_path) as book:
        assert [] == book.publish(whole=False)
    begun = read_checkpoint(place_of(tmp_path / "r.json"), RUN)
    assert begun is not None
    assert (Position(), 3, 0) == (begun.position, begun.results.published, begun.errors.published)


def test_a_whole_run_writes_no_checkpoint_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is whole before its first checkpoint writes none."""
    written: list[Checkpoint] = []
    monkeypatch.setattr(Checkpoint, "write", lambda checkpoint, _path: written.append(checkpoint))
    with ledger(tmp_path) as book:
        book.write(group(1))
        assert [] == book.publish(whole=True)
    assert [] == written


@pytest.mark.parametrize("failing", ["r.json", "e.jsonl"])
def test_one_file_that_cannot_be_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """The trouble of one file is told, the other one is put in its place, and the checkpoint stays."""
    publish = OutputFile.publish

    def refuse(file: OutputFile) -> None:
        if file.path.name == failing:
            raise UserError(failing)
        publish(file)

    monkeypatch.setattr(OutputFile, "publish", refuse)
    with ledger(tmp_path) as book:
        book.write(group(1))
        book.save(now=True)
        (trouble,) = book.publish(whole=True)
    assert failing == str(trouble)
    other = ({"r.json", "e.jsonl"} - {failing}).pop()
    assert {other, f"{failing}.part", "r.json.checkpoint"} == names(tmp_path)


def test_a_checkpoint_that_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint that stays is told with its name."""

    def refuse(_: Path, missing_ok: bool) -> None:
        raise PermissionError(1, "Operation not permitted")

    with ledger(tmp_path) as book:
        book.save(now=True)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refuse)
            (trouble,) = book.publish(whole=True)
    assert str(trouble).startswith(f"checkpoint [{place_of(tmp_path / 'r.json')}]: Operation not permitted: remove it")


def test_only_the_errors_are_put_in_place(tmp_path: Path) -> None:
    """Where there is no result at all, the errors file is put in its place, and nothing else is left."""
    (tmp_path / "r.json").write_text("before")
    with ledger(tmp_path) as book:
        book.write(replace(group(1), outcomes={}))
        book.save(now=True)
        book.publish_errors()
    assert {"r.json", "e.jsonl"} == names(tmp_path)
    assert "before" == (tmp_path / "r.json").read_text()

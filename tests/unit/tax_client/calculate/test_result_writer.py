"""Tests of the result writer: its writes, its checkpoints, and the files on disk."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tax_client.calculate import result_writer as module
from tax_client.calculate.batches import Batch, Failure, UnreadLines
from tax_client.calculate.checkpoint import Checkpoint, Counts, locate_checkpoint, read_checkpoint
from tax_client.calculate.output_draft import OutputFile
from tax_client.calculate.result_formats import JsonArray
from tax_client.calculate.result_writer import ResultWriter, encode_problem
from tax_client.taxpayers.reader import BadLine, Position, Taxpayer
from tax_client.user_errors import UserError

RUN = {"input": "somewhere"}
BAD = BadLine(2, "x", "why")


def build_batch(first: int, *bad: BadLine) -> Batch:
    """Build a batch of bad lines and two taxpayers. Only the first taxpayer has a result."""
    one, other = Taxpayer(first, "no", 0, 1), Taxpayer(first + 1, "no", 0, 1)
    return Batch(
        [one, *bad, other], Position(10 * first, first + 1), outcomes={first: {"salary": 1}}, default_reason="left"
    )


@contextmanager
def open_writer(folder: Path, resumable: bool = True, begun: Checkpoint | None = None) -> Iterator[ResultWriter]:
    """Yield the writer of a run in a folder."""
    saved = (begun.results, begun.errors) if begun else (None, None)
    with OutputFile(folder / "r.json", saved[0]) as results, OutputFile(folder / "e.jsonl", saved[1]) as errors:
        yield ResultWriter(results, errors, begun or Checkpoint(RUN), resumable, JsonArray)


def list_names(folder: Path) -> set[str]:
    """Return the names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


def read_errors(folder: Path) -> list[dict[str, object]]:
    """Return the decoded lines of the errors file."""
    return [orjson.loads(line) for line in (folder / "e.jsonl").read_bytes().splitlines()]


def test_a_batch_is_written_and_counted(tmp_path: Path) -> None:
    """The writer writes and counts results and problems, in the order of the lines."""
    with open_writer(tmp_path, resumable=False) as writer:
        writer.write(build_batch(1, BAD))
        writer.write(build_batch(3))
        assert Position(30, 4) == writer.position
        assert Counts(2, 2, 1) == writer.summary.counts
        assert [1, 3] == [number for number, _ in writer.summary.rows]
        assert [Failure(2, "left", None), Failure(4, "left", None)] == writer.summary.failures
        assert [BAD] == writer.summary.bad_lines
        assert [] == writer.publish(whole=True)
    assert '[\n  {"id":1,"salary":1},\n  {"id":3,"salary":1}\n]\n' == (tmp_path / "r.json").read_text()
    assert [
        {"line": 2, "text": "x", "reason": "why"},
        *({"id": n, "reason": "left", "request_id": None} for n in (2, 4)),
    ] == [
        {name: value for name, value in line.items() if value is not None or name == "request_id"}
        for line in read_errors(tmp_path)
    ]
    assert {"r.json", "e.jsonl"} == list_names(tmp_path)


@pytest.mark.parametrize(("one_by_one", "written"), [(True, 3), (False, 0)])
def test_unread_lines_are_listed_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_by_one: bool, written: int
) -> None:
    """If `one_by_one` is true, each unread line up to a limit is a problem. All other unread lines are one problem."""
    monkeypatch.setattr(module, "LISTED_MAX", 6)
    with open_writer(tmp_path, resumable=False) as writer:
        writer.write_unread(
            iter([build_batch(1), build_batch(3), build_batch(5), build_batch(7)]), one_by_one=one_by_one
        )
        assert 2 * written == writer.position.line
        assert [] == writer.publish(whole=True)
    assert 2 * written + 1 == read_errors(tmp_path)[-1]["line"]
    assert written + 1 == len(read_errors(tmp_path))


def test_an_input_that_ends_before_the_limit_leaves_nothing_unread(tmp_path: Path) -> None:
    """If the input ends before the limit, the writer adds no problem for remaining lines."""
    with open_writer(tmp_path, resumable=False) as writer:
        writer.write_unread(iter([build_batch(1)]), one_by_one=True)
        assert [] == writer.publish(whole=True)
    assert [2] == [line["id"] for line in read_errors(tmp_path)]


def test_a_checkpoint_is_saved_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If `now` is true, `save` always writes a checkpoint. Otherwise it writes at most one checkpoint per second."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    place = locate_checkpoint(tmp_path / "r.json")
    with open_writer(tmp_path) as writer:
        writer.write(build_batch(1))
        now[0] = 100.75
        writer.save()
        assert not place.exists()
        now[0] = 101.0
        writer.save()
        saved = read_checkpoint(place, RUN)
        assert saved is not None
        assert (Position(10, 2), Counts(1, 1, 0), RUN) == (saved.position, saved.counts, saved.run)
        assert ((tmp_path / "r.json.part").stat().st_size, (tmp_path / "e.jsonl.part").stat().st_size) == (
            saved.results.size,
            saved.errors.size,
        )
        writer.write(build_batch(3))
        now[0] = 101.75
        writer.save()
        assert saved == read_checkpoint(place, RUN)
        writer.save(now=True)
        later = read_checkpoint(place, RUN)
        assert later is not None
        assert Position(30, 4) == later.position
    assert {"r.json.part", "e.jsonl.part", "r.json.checkpoint"} == list_names(tmp_path)


def test_a_run_that_cannot_be_resumed_saves_no_checkpoint(tmp_path: Path) -> None:
    """A run that cannot be resumed saves no checkpoint. If the run ends early, its drafts are removed."""
    with open_writer(tmp_path, resumable=False) as writer:
        writer.write(build_batch(1))
        writer.save(now=True)
        assert {"r.json.part", "e.jsonl.part"} == list_names(tmp_path)
    assert set() == list_names(tmp_path)


def test_a_published_interrupted_run_can_be_resumed(tmp_path: Path) -> None:
    """The checkpoint of an interrupted run records the sizes of the published files, so that the run can be resumed."""
    with open_writer(tmp_path) as writer:
        writer.write(build_batch(1))
        writer.save(now=True)
        writer.write(build_batch(3))
        assert [] == writer.publish(whole=False)
    begun = read_checkpoint(locate_checkpoint(tmp_path / "r.json"), RUN)
    assert begun is not None
    assert (Position(10, 2), Counts(1, 1, 0)) == (begun.position, begun.counts)
    sizes = [(tmp_path / name).stat().st_size for name in ("r.json", "e.jsonl")]
    assert sizes == [begun.results.published, begun.errors.published]
    assert begun.results.size < sizes[0]
    with open_writer(tmp_path, begun=begun) as writer:
        assert (begun.position, begun.counts) == (writer.position, writer.summary.counts)
        writer.write(build_batch(3))
        assert [] == writer.publish(whole=True)
    assert '[\n  {"id":1,"salary":1},\n  {"id":3,"salary":1}\n]\n' == (tmp_path / "r.json").read_text()
    assert {"r.json", "e.jsonl"} == list_names(tmp_path)


def test_a_run_that_publishes_before_its_first_checkpoint_can_be_resumed(tmp_path: Path) -> None:
    """A run that is interrupted before its first checkpoint saves a checkpoint with the start position."""
    with open_writer(tmp_path) as writer:
        assert [] == writer.publish(whole=False)
    begun = read_checkpoint(locate_checkpoint(tmp_path / "r.json"), RUN)
    assert begun is not None
    assert (Position(), 3, 0) == (begun.position, begun.results.published, begun.errors.published)


def test_a_complete_run_writes_no_checkpoint_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that completes before its first checkpoint writes no checkpoint."""
    written: list[Checkpoint] = []
    monkeypatch.setattr(Checkpoint, "write", lambda checkpoint, _path: written.append(checkpoint))
    with open_writer(tmp_path) as writer:
        writer.write(build_batch(1))
        assert [] == writer.publish(whole=True)
    assert [] == written


@pytest.mark.parametrize("failing", ["r.json", "e.jsonl"])
def test_one_file_that_cannot_be_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """If a file cannot be published, the writer returns an error, publishes the other file and keeps the checkpoint."""
    publish = OutputFile.publish

    def reject(file: OutputFile) -> None:
        if file.path.name == failing:
            raise UserError(failing)
        publish(file)

    monkeypatch.setattr(OutputFile, "publish", reject)
    with open_writer(tmp_path) as writer:
        writer.write(build_batch(1))
        writer.save(now=True)
        (error,) = writer.publish(whole=True)
    assert failing == str(error)
    other = ({"r.json", "e.jsonl"} - {failing}).pop()
    assert {other, f"{failing}.part", "r.json.checkpoint"} == list_names(tmp_path)


def test_the_error_of_a_checkpoint_that_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error about a checkpoint that cannot be removed contains its path."""

    def reject(_: Path, missing_ok: bool) -> None:
        raise PermissionError(1, "Operation not permitted")

    with open_writer(tmp_path) as writer:
        writer.save(now=True)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", reject)
            (error,) = writer.publish(whole=True)
    assert str(error).startswith(
        f"checkpoint [{locate_checkpoint(tmp_path / 'r.json')}]: Operation not permitted: remove the checkpoint"
    )


def test_the_errors_are_published_alone(tmp_path: Path) -> None:
    """After the writer publishes only the errors file, the draft of the results and the checkpoint are removed."""
    (tmp_path / "r.json").write_text("before")
    with open_writer(tmp_path) as writer:
        writer.write(replace(build_batch(1), outcomes={}))
        writer.save(now=True)
        writer.publish_errors()
    assert {"r.json", "e.jsonl"} == list_names(tmp_path)
    assert "before" == (tmp_path / "r.json").read_text()


def test_a_problem_is_one_line() -> None:
    """Each problem is one line of the errors file, even if its text contains line breaks."""
    problems = BadLine(3, "a\n\u2028b\x85", "why"), Failure(7, "timeout", None), UnreadLines(9, "left")
    lines = b"".join(encode_problem(problem) for problem in problems).decode().splitlines()
    assert [
        {"line": 3, "text": "a\n\u2028b\x85", "reason": "why"},
        {"id": 7, "reason": "timeout", "request_id": None},
        {"line": 9, "reason": "left"},
    ] == [json.loads(line) for line in lines]

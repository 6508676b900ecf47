"""Tests of killed, interrupted and resumed runs with the real service."""

import json
import os
import signal

import pytest

from tests.integration.tax_client.bulk_runs import LINES, count_batches, get_url, list_outputs, read_outputs, start
from tests.integration.tax_client.conftest import Place
from tests.support.service import Service
from tests.support.taxpayers_file import write_taxpayers
from tests.support.waiting import wait_until


@pytest.mark.parametrize(
    ("form", "lines", "batch"),
    [("json", LINES, ["--batch", "50"]), ("csv", LINES, ["--batch", "50"]), ("jsonl", 2000, []), ("csv", 2000, [])],
    ids=["json-batch", "csv-batch", "jsonl-single", "csv-single"],
)
def test_a_run_that_is_killed_three_times_equals_an_undisturbed_run(
    bulk: Place, slow_service: Service, form: str, lines: int, batch: list[str]
) -> None:
    """If a run is killed three times and resumed each time, its output files equal the files of an undisturbed run.

    After each kill, the test adds a truncated line to the draft of the results.
    """
    source, results = bulk.folder / "taxpayers.txt", bulk.folder / f"results.{form}"
    write_taxpayers(source, lines)
    run = [str(source), "--results", str(results), *batch, "--max-threads", "2"]
    assert 0 == bulk.run("calculate", get_url(slow_service), *run, "--max-threads", "64")
    whole = read_outputs(bulk, results.name)
    checkpoint = bulk.folder / f"{results.name}.checkpoint"
    reached = 0
    for _ in range(3):
        with start(bulk, slow_service, *run, "--resume") as client:
            before = reached

            def further(before: int = before) -> int:
                offset = json.loads(checkpoint.read_bytes())["position"]["offset"] if checkpoint.exists() else 0
                return int(offset) if offset > before else 0

            reached = wait_until(further)
            client.kill()
        with (bulk.folder / f"{results.name}.part").open("ab") as draft:
            draft.write(whole[0].splitlines()[1][:9])  # simulates a truncated write
    assert source.stat().st_size > reached > 0
    assert 0 == bulk.run("calculate", get_url(slow_service), *run, "--resume", "--max-threads", "64")
    assert whole == read_outputs(bulk, results.name)
    assert {results.name, "errors.jsonl"} == list_outputs(bulk)


def test_an_interrupted_run_leaves_valid_files_and_can_be_resumed(bulk: Place, slow_service: Service) -> None:
    """After SIGINT both output files are valid, and a run with --resume writes the same files as an undisturbed run."""
    source = bulk.folder / "taxpayers.txt"
    good, _bad = write_taxpayers(source, LINES)
    run = [str(source), "--batch", "50", "--max-threads", "2"]
    assert 0 == bulk.run("calculate", get_url(slow_service), *run, "--max-threads", "64")
    whole = read_outputs(bulk)
    for name in ("results.json", "client.log"):
        (bulk.folder / name).unlink()
    with start(bulk, slow_service, *run) as client:
        wait_until(lambda: count_batches(bulk))
        client.send_signal(signal.SIGINT)
        _out, err = client.communicate(timeout=60)
    assert 130 == client.returncode
    assert b"interrupted: continue with --resume" in err
    done, errors = [result["id"] for result in bulk.results], bulk.errors
    assert good[: len(done)] == done
    assert "interrupted" == errors[-1]["reason"].split(":")[0]
    assert LINES == len(done) + len(errors) - 1 + LINES - errors[-1]["line"] + 1
    assert 0 == bulk.run("calculate", get_url(slow_service), *run, "--resume", "--max-threads", "64")
    assert whole == read_outputs(bulk)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "taxpayers.txt").write_text("1,no,0,5\n" * 3), "size was"),
        (lambda folder: os.utime(folder / "taxpayers.txt", (1, 1)), "modified was"),
        (lambda folder: (folder / "results.json").write_text("[]"), "the output of the interrupted run"),
        (lambda folder: (folder / "errors.jsonl").write_text("{}"), "or was changed by another run"),
        (lambda folder: (folder / "results.json.checkpoint").write_text("{}"), "expected a checkpoint of the client"),
        (lambda _: ["--year", "2024"], "--year was [None] and is now [2024]"),
        (lambda folder: ["--errors", str(folder / "other")], "--errors was"),
    ],
)
def test_a_run_with_changed_files_or_options_is_not_resumed(
    bulk: Place, slow_service: Service, capsys: pytest.CaptureFixture[str], change: object, message: str
) -> None:
    """If the input, the options or the output files have changed, the client does not resume and reports the change."""
    source = bulk.folder / "taxpayers.txt"
    write_taxpayers(source, 2000)
    run = [str(source), "--batch", "10", "--max-threads", "1"]
    with start(bulk, slow_service, *run) as client:
        wait_until(lambda: count_batches(bulk) >= 3)  # ensures that the first batch is written
        client.send_signal(signal.SIGINT)
    assert callable(change)
    more = change(bulk.folder)
    before = sorted((path.name, path.stat().st_size) for path in bulk.folder.iterdir() if path.suffix != ".log")
    assert 2 == bulk.run(
        "calculate", get_url(slow_service), *run, *(more if isinstance(more, list) else []), "--resume"
    )
    assert message in capsys.readouterr().err
    assert before == sorted((path.name, path.stat().st_size) for path in bulk.folder.iterdir() if path.suffix != ".log")


def test_a_run_without_resume_starts_from_the_beginning(
    bulk: Place, slow_service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --resume or without a checkpoint, the client starts from the beginning.

    If a checkpoint exists and --resume is absent, the client warns that --resume would have continued the earlier run.
    """
    source = bulk.folder / "taxpayers.txt"
    good, _bad = write_taxpayers(source, 300)
    (bulk.folder / "results.json.checkpoint").write_text("left behind")
    assert 0 == bulk.run("calculate", get_url(slow_service), str(source), "--batch", "100")
    assert "--resume would have continued" in capsys.readouterr().err
    assert 0 == bulk.run("calculate", get_url(slow_service), str(source), "--batch", "100", "--resume")
    assert good == [result["id"] for result in bulk.results]
    assert {"results.json", "errors.jsonl"} == list_outputs(bulk)

"""Files of many taxpayers, in batches, against the real service: nothing lost, nothing twice, the order kept."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.integration.tax_client.conftest import Place, json_lines
from tests.support.service import Service, running_service
from tests.support.taxpayers_file import BAD, write_taxpayers
from tests.support.waiting import wait_until

LINES = 20_000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, in no hurry: half of its answers come 50 ms late."""
    with running_service(tmp_path_factory.mktemp("service"), SLEEP_TIME="0.05") as running:
        yield running


@pytest.fixture
def bulk(place: Place, service: Service) -> Place:
    """A place with the service's credentials."""
    (place.folder / "credentials").write_text(service.credentials + "\n")
    return place


def url(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}"


def start(place: Place, service: Service, *more: str) -> subprocess.Popen[bytes]:
    """A client in a process of its own."""
    command = [sys.executable, "-m", "tax_client", *place.arguments("calculate", url(service), *more)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def contents(place: Place, results: str = "results.json") -> list[bytes]:
    """The bytes of both output files."""
    return [(place.folder / name).read_bytes() for name in (results, "errors.jsonl")]


def batches_done(place: Place) -> int:
    """How many batches the log tells of."""
    log = place.folder / "client.log"
    return log.read_bytes().count(b"batch_end") if log.exists() else 0


def names(place: Place) -> set[str]:
    """What lies in the folder beside what the run was given."""
    return {path.name for path in place.folder.iterdir()} - {"taxpayers.txt", "credentials", "client.log"}


def test_every_line_of_a_large_file_is_in_one_of_the_two_files(bulk: Place, service: Service) -> None:
    """Of 20,000 lines in batches of 1000 the good ones are results and the bad ones errors, each once and in order."""
    source = bulk.folder / "taxpayers.txt"
    good, bad = write_taxpayers(source, LINES)
    assert 0 == bulk.run("calculate", url(service), str(source), "--batch", "1000")
    assert good == [result["id"] for result in bulk.results]
    assert bad == [error["line"] for error in bulk.errors]
    assert LINES == len(good) + len(bad)
    assert len(BAD) <= len({error["reason"].split("found")[0].split("[", 1)[-1] for error in bulk.errors})
    assert {"results.json", "errors.jsonl"} == names(bulk)
    sent = [event for event in bulk.log if event["event"] == "batch_start"]
    assert LINES // 1000 == len(sent)
    assert [] == [event for event in bulk.log if event["event"].startswith("calculation")]


def test_a_batch_gives_what_single_requests_give(bulk: Place, service: Service) -> None:
    """Lines of both laws in CSV, JSON lines and the reference's array are the same households with the same taxes."""
    rows = ["id,year,married,children,salary,single_parent,spouse_salary"]
    rows += [
        f"{n},{('', 2018, 2024, 2025)[n % 4]},{'oui' if n % 3 else 'no'},{n % 5},{n * 7919}," for n in range(1, 40)
    ]
    source = bulk.folder / "taxpayers.txt"
    source.write_text("\n".join([rows[0], *(f"{row}," for row in rows[1:])]) + "\n")
    found = []
    for more in ([], ["--batch", "7"]):
        assert 0 == bulk.run("calculate", url(service), str(source), "--max-threads", "3", *more)
        found.append(contents(bulk)[0])
    assert found[0] == found[1]
    assert {None, 2018, 2024, 2025} == {result.get("income_year") for result in bulk.results}
    arguments = ["--batch", "10", "--results", str(bulk.folder / "results.csv")]
    assert 0 == bulk.run("calculate", url(service), str(source), *arguments)
    head, *lines = (bulk.folder / "results.csv").read_text().splitlines()
    columns = head.split(",")
    assert [{name: str(value) for name, value in result.items() if name != "notes"} for result in bulk.results] == [
        {name: cell for name, cell in zip(columns, line.split(","), strict=True) if cell and name != "notes"}
        for line in lines
    ]
    assert {"", "CIMR", "CDHR"} >= {line.rpartition(",")[2] for line in lines} > {""}


def test_a_batch_that_is_too_large_is_halved(bulk: Place, service: Service) -> None:
    """Batches of more taxpayers than the service takes are sent again as halves; all are calculated, in order."""
    source = bulk.write("".join(f"{number},no,0,{number}\n" for number in range(1, 26_001)))
    assert 0 == bulk.run("calculate", url(service), source, "--batch", "25000", "--max-threads", "1")
    assert list(range(1, 26_001)) == [result["id"] for result in bulk.results]
    assert [] == bulk.errors
    assert [25000, 12500] == [event["taxpayers"] for event in bulk.log if event["event"] == "batch_too_large"]
    sent = [event["taxpayers"] for event in bulk.log if event["event"] == "batch_start"]
    assert [25000, 12500, *[6250] * 4, 1000] == sent
    assert len(sent) == len({event["request_id"] for event in bulk.log if event["event"] == "batch_start"})


def test_a_household_that_the_service_refuses_fails_alone(bulk: Place, service: Service) -> None:
    """A year without a schedule is that taxpayer's failure, with what the service said; exit code 1."""
    lines = ["id,married,children,salary,year", "1,no,0,20000,2024", "2,no,0,20000,1999", "3,no,0,20000,2024"]
    source = bulk.write("\n".join(lines))
    assert 1 == bulk.run("calculate", url(service), source, "--batch", "1000")
    assert [1, 3] == [result["id"] for result in bulk.results]
    (error,) = bulk.errors
    assert 2 == error["id"]
    assert "[year] has an invalid value: [1999]" in error["reason"]


@pytest.mark.parametrize(
    ("form", "lines", "batch"),
    [("json", LINES, ["--batch", "50"]), ("csv", LINES, ["--batch", "50"]), ("jsonl", 2000, []), ("csv", 2000, [])],
    ids=["json-batch", "csv-batch", "jsonl-single", "csv-single"],
)
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been(
    bulk: Place, service: Service, form: str, lines: int, batch: list[str]
) -> None:
    """Killed three times by SIGKILL, within a line, and resumed, a run leaves the bytes of one that nothing disturbed.

    So a CSV file has its header once, and no result is there twice or cut.
    """
    source, results = bulk.folder / "taxpayers.txt", bulk.folder / f"results.{form}"
    write_taxpayers(source, lines)
    run = [str(source), "--results", str(results), *batch, "--max-threads", "2"]
    assert 0 == bulk.run("calculate", url(service), *run, "--max-threads", "64")
    whole = contents(bulk, results.name)
    checkpoint = bulk.folder / f"{results.name}.checkpoint"
    reached = 0
    for _ in range(3):
        with start(bulk, service, *run, "--resume") as client:
            before = reached

            def further(before: int = before) -> int:
                offset = json.loads(checkpoint.read_bytes())["position"]["offset"] if checkpoint.exists() else 0
                return int(offset) if offset > before else 0

            reached = wait_until(further)
            client.kill()
        with (bulk.folder / f"{results.name}.part").open("ab") as draft:
            draft.write(whole[0].splitlines()[1][:9])  # what a write leaves that the kill has cut
    assert source.stat().st_size > reached > 0
    assert 0 == bulk.run("calculate", url(service), *run, "--resume", "--max-threads", "64")
    assert whole == contents(bulk, results.name)
    assert {results.name, "errors.jsonl"} == names(bulk)


def test_an_interrupted_run_leaves_files_that_parse_and_goes_on(bulk: Place, service: Service) -> None:
    """After Ctrl-C all lines are accounted for; with --resume the end is that of a run that was left alone."""
    source = bulk.folder / "taxpayers.txt"
    good, _bad = write_taxpayers(source, LINES)
    run = [str(source), "--batch", "50", "--max-threads", "2"]
    assert 0 == bulk.run("calculate", url(service), *run, "--max-threads", "64")
    whole = contents(bulk)
    for name in ("results.json", "client.log"):
        (bulk.folder / name).unlink()
    with start(bulk, service, *run) as client:
        wait_until(lambda: batches_done(bulk))
        client.send_signal(signal.SIGINT)
        _out, err = client.communicate(timeout=60)
    assert 130 == client.returncode
    assert b"interrupted: continue with --resume" in err
    done, errors = [result["id"] for result in bulk.results], bulk.errors
    assert good[: len(done)] == done
    assert "interrupted" == errors[-1]["reason"].split(":")[0]
    assert LINES == len(done) + len(errors) - 1 + LINES - errors[-1]["line"] + 1
    assert 0 == bulk.run("calculate", url(service), *run, "--resume", "--max-threads", "64")
    assert whole == contents(bulk)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "taxpayers.txt").write_text("1,no,0,5\n" * 3), "size was"),
        (lambda folder: os.utime(folder / "taxpayers.txt", (1, 1)), "modified was"),
        (lambda folder: (folder / "results.json").write_text("[]"), "the output of the interrupted run"),
        (lambda folder: (folder / "errors.jsonl").write_text("{}"), "or changed by another run"),
        (lambda folder: (folder / "results.json.checkpoint").write_text("{}"), "expected a checkpoint of the client"),
        (lambda _: ["--year", "2024"], "--year was [None], is [2024]"),
        (lambda folder: ["--errors", str(folder / "other")], "--errors was"),
    ],
)
def test_what_has_changed_meanwhile_is_refused_by_name(
    bulk: Place, service: Service, capsys: pytest.CaptureFixture[str], change: object, said: str
) -> None:
    """A run is not gone on with when its input, its options or its files are others; the sentence says which."""
    source = bulk.folder / "taxpayers.txt"
    write_taxpayers(source, 2000)
    run = [str(source), "--batch", "10", "--max-threads", "1"]
    with start(bulk, service, *run) as client:
        wait_until(lambda: batches_done(bulk) >= 3)  # the third is asked for when the first is written
        client.send_signal(signal.SIGINT)
    assert callable(change)
    more = change(bulk.folder)
    before = sorted((path.name, path.stat().st_size) for path in bulk.folder.iterdir() if path.suffix != ".log")
    assert 2 == bulk.run("calculate", url(service), *run, *(more if isinstance(more, list) else []), "--resume")
    assert said in capsys.readouterr().err
    assert before == sorted((path.name, path.stat().st_size) for path in bulk.folder.iterdir() if path.suffix != ".log")


def test_a_run_that_is_not_resumed_begins_anew_and_says_so(
    bulk: Place, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --resume an interrupted run is forgotten; with it and nothing to go on with, all is done."""
    source = bulk.folder / "taxpayers.txt"
    good, _bad = write_taxpayers(source, 300)
    (bulk.folder / "results.json.checkpoint").write_text("left behind")
    assert 0 == bulk.run("calculate", url(service), str(source), "--batch", "100")
    assert "--resume continues it" in capsys.readouterr().err
    assert 0 == bulk.run("calculate", url(service), str(source), "--batch", "100", "--resume")
    assert good == [result["id"] for result in bulk.results]
    assert {"results.json", "errors.jsonl"} == names(bulk)


def fed(place: Place, service: Service, pieces: Sequence[bytes], *more: str) -> subprocess.Popen[bytes]:
    """A client that reads these pieces, and has been told of no end."""
    client = start(place, service, "-", *more)
    assert client.stdin
    for piece in pieces:
        client.stdin.write(piece)
        client.stdin.flush()
    return client


def test_standard_input_is_read_to_its_end(bulk: Place, service: Service) -> None:
    """`-` reads what comes, in whatever pieces; JSON lines are written."""
    results = bulk.folder / "results.jsonl"
    with fed(bulk, service, [b"1,no,0,5\n2,n", b"o,0,7\nbad\n", b"3,no,0,9"], "--results", str(results)) as client:
        out, _err = client.communicate(timeout=60)
    assert 0 == client.returncode
    assert b"3 calculated, 0 not calculated, 1 bad line(s)" in out
    assert [(1, 5), (2, 7), (3, 9)] == [(row["id"], row["salary"]) for row in json_lines(results)]
    assert [3] == [error["line"] for error in bulk.errors]


def test_an_interruption_does_not_wait_for_standard_input(bulk: Place, service: Service) -> None:
    """Ctrl-C ends a client whose input has no end; half a line is not taken for a whole one."""
    with fed(bulk, service, [b"1,no,0,5\n2,no,0,50"], "--batch", "1") as client:
        wait_until(lambda: batches_done(bulk))
        client.send_signal(signal.SIGINT)
        client.wait(60)
    assert 130 == client.returncode
    assert [1] == [result["id"] for result in bulk.results]
    (error,) = bulk.errors
    assert (2, "interrupted") == (error["line"], error["reason"].split(":")[0])


def test_standard_input_cannot_be_gone_on_with(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """--resume wants a file, and says so."""
    assert 2 == place.run("calculate", "http://127.0.0.1:9", "-", "--resume")
    assert "--resume: expected a plain file, [-] cannot be read again" in capsys.readouterr().err


def test_two_runs_do_not_write_one_file(bulk: Place, service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    """While a run writes a results file, another one is refused."""
    with fed(bulk, service, [b"1,no,0,5\n"], "--batch", "1") as client:
        wait_until(
            lambda: (bulk.folder / "results.json.part").exists() and (bulk.folder / "errors.jsonl.part").exists()
        )
        assert 2 == bulk.run("calculate", url(service), bulk.write("7,no,0,5\n"))
        assert "expected no other run that writes it" in capsys.readouterr().err
        client.communicate(timeout=60)
    assert 0 == client.returncode
    assert [1] == [result["id"] for result in bulk.results]


def test_many_taxpayers_have_no_log_lines_each(bulk: Place, service: Service) -> None:
    """Of a file with more lines than LOG_EACH_MAX no taxpayer has log lines of its own, and all are calculated."""
    source = bulk.write("".join(f"{number},no,0,{number}\n" for number in range(1, 9)))
    for most, each in ((8, 8), (7, 0)):
        Path(bulk.folder / "client.log").write_text("")
        assert 0 == bulk.run("calculate", url(service), source, "--log-each-max", str(most))
        assert [2 * each, each] == [
            sum(event["event"].startswith(begin) for event in bulk.log) for begin in ("calculation_", "calculation_end")
        ]
        assert 8 == len(bulk.results)

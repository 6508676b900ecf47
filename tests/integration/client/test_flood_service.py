"""The flood against the real service: workloads that the rules made beforehand, by GET and in batches."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.client.conftest import Place
from tests.support.data import ROOT
from tests.support.service import Service, running_service

FIGURES = str(ROOT / "db/init/schedules.json")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on SQLite."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def known(place: Place, service: Service) -> Place:
    """A folder with the service's credentials."""
    (place.folder / "credentials").write_text(service.credentials)
    return place


def expected(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """What `income-tax expected` says."""
    command = [sys.executable, "-m", "income_tax", "expected", "--schedules", FIGURES, *arguments]
    return subprocess.run(command, capture_output=True, check=False)


def workload(place: Place, *arguments: str) -> str:
    """A file of what `income-tax expected` prints."""
    path = place.folder / "workload.jsonl"
    finished = expected(*arguments)
    assert 0 == finished.returncode, finished.stderr
    path.write_bytes(finished.stdout)
    return str(path)


@pytest.mark.parametrize("engine", ["curl", "requests"])
@pytest.mark.parametrize("batch", [[], ["--batch", "7"]])
def test_random_households_of_all_years_are_answered_as_the_rules_say(
    known: Place, service: Service, engine: str, batch: list[str]
) -> None:
    """Five hundred households over nine schedules: every answer is right, one by one and in batches."""
    path = workload(known, "--households", "500", "--seed", "3")
    url = f"http://127.0.0.1:{service.port}"
    assert 0 == known.run("flood", url, "--workload", path, "--requests", "500", "--engine", engine, *batch)
    outcomes = [event["outcome"] for event in known.log if event["event"] == "answer"]
    assert ["right"] * 500 == outcomes


def test_a_workload_that_is_wrong_shows_that_answers_are_compared(
    known: Place, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """One euro more expected of one of ten households: a tenth of the answers is wrong, by that euro."""
    path = Path(workload(known, "--households", "10", "--seed", "3", "--years", "2024"))
    first, *others = path.read_text().splitlines()
    question = json.loads(first)
    question["expected"]["tax"] += 1
    path.write_text("\n".join([json.dumps(question), *others]))
    url = f"http://127.0.0.1:{service.port}"
    assert 1 == known.run("flood", url, "--workload", str(path), "--requests", "50")
    out = capsys.readouterr().out
    assert "50 sent, 45 right, 5 wrong, 0 failed" in out
    assert f"tax: expected {question['expected']['tax']}, got {question['expected']['tax'] - 1}" in out


def test_a_taxpayers_file_is_a_workload(known: Place, service: Service) -> None:
    """The sample's taxpayers are asked for; its bad lines are left out, and counted."""
    sample = ROOT / "services/client/data/taxpayers.txt"
    finished = expected(str(sample))
    published = json.loads((sample.parent / "published.json").read_text())
    results = [json.loads(line)["expected"] for line in finished.stdout.splitlines()]
    known_results = [{name: value for name, value in row.items() if name != "id"} for row in published]
    assert [] == [row for row in known_results if row not in results]
    assert 13 == len(results), "an id that is no number, or is there twice, makes no household wrong"
    assert b"6 household(s) left out, the first: " in finished.stderr
    url = f"http://127.0.0.1:{service.port}"
    assert 0 == known.run("flood", url, "--workload", workload(known, str(sample)), "--requests", "22")


def test_a_taxpayers_file_may_name_its_columns(known: Place) -> None:
    """With a header a line has a year of its own, in any column, separated by commas or semicolons."""
    path = known.folder / "x.csv"
    path.write_text("id;salaire;marié;enfants;année\n1;50000;oui;2;2024\n2;50000;oui;2;\n3;50000;oui;2;2031\n")
    finished = expected(str(path))
    first, second = (json.loads(line) for line in finished.stdout.splitlines())
    assert (2024, 209) == (first["expected"]["income_year"], first["expected"]["tax"])
    assert 1384 == second["expected"]["tax"]
    assert b"x.csv, line 4: parameter [ann\xc3\xa9e] has an invalid value: [2031]" in finished.stderr


def test_the_same_seed_gives_the_same_households() -> None:
    """A load can be repeated; another seed gives others; years are those asked for."""
    once, again, other = (expected("--households", "50", "--seed", seed).stdout for seed in ("1", "1", "2"))
    assert once == again != other
    years = {json.loads(line)["expected"].get("income_year") for line in once.splitlines()}
    assert len(years) > 5
    chosen = expected("--households", "50", "--years", "2019-2020,v7").stdout
    assert {None, 2019, 2020} == {json.loads(line)["expected"].get("income_year") for line in chosen.splitlines()}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--households", "5", "--years", "2031"], "--years: expected 2018, 2019"),
        (["--households", "0"], "no household to calculate"),
        ([], "one of the arguments FILE --households is required"),
    ],
)
def test_what_cannot_be_calculated_is_a_sentence(arguments: list[str], said: str) -> None:
    """Wrong usage exits 64 and says what was expected."""
    finished = expected(*arguments)
    assert 64 == finished.returncode
    assert said in finished.stderr.decode()


def test_figures_that_are_none_are_a_sentence(known: Place) -> None:
    """A file of figures that cannot be read, or holds none, is named."""
    path = known.folder / "x.json"
    assert b"x.json: No such file" in expected("--schedules", str(path), "--households", "1").stderr
    path.write_text("x")
    finished = expected("--schedules", str(path), "--households", "1")
    assert (2, True) == (finished.returncode, b"holds no tax data" in finished.stderr)

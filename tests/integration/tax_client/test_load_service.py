"""Tests of floods against the real service. The command `income-tax expected` computes the workloads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from income_tax.cli import main as income_tax_main
from tax_client.cli import main as tax_client_main
from tests.integration.tax_client.conftest import Place
from tests.support.commands import Called, called
from tests.support.data import ROOT, SAMPLE
from tests.support.service import Service, running_service

FIGURES = str(ROOT / "db/init/schedules.json")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the service on SQLite."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def known(place: Place, service: Service) -> Place:
    """Return a folder with the credentials of the service."""
    (place.folder / "credentials").write_text(service.credentials)
    return place


def expected(*arguments: str, given: str = "") -> Called:
    """Run `income-tax expected`, and return its exit code and output."""
    return called(income_tax_main, "expected", "--schedules", FIGURES, *arguments, given=given)


def households(path: Path) -> Called:
    """Run `tax-client households` on a file, and return its exit code and output."""
    return called(tax_client_main, "households", str(path))


def questions(path: Path) -> list[dict[str, Any]]:
    """Return the queries and the expected results for the households in a taxpayers file."""
    finished = expected("-", given=households(path).stdout)
    assert (0, "") == (finished.returncode, finished.stderr)
    return [json.loads(line) for line in finished.stdout.splitlines()]


def workload(place: Place, *arguments: str) -> str:
    """Write the output of `income-tax expected` to a file, and return the file's path."""
    path = place.folder / "workload.jsonl"
    finished = expected(*arguments)
    assert 0 == finished.returncode, finished.stderr
    path.write_text(finished.stdout)
    return str(path)


@pytest.mark.parametrize("batch", [[], ["--batch", "7"]])
def test_random_households_of_all_years_get_correct_answers(known: Place, service: Service, batch: list[str]) -> None:
    """The service answers 500 random households of all schedules correctly, in single requests and in batches."""
    path = workload(known, "--households", "500", "--seed", "3")
    url = f"http://127.0.0.1:{service.port}"
    assert 0 == known.run("flood", url, "--workload", path, "--requests", "500", *batch)
    outcomes = [event["outcome"] for event in known.log if event["event"] == "answer"]
    assert ["right"] * 500 == outcomes


def test_answers_are_compared_with_the_workload(
    known: Place, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the workload contains a wrong tax for one of ten households, the flood counts 10 % of the answers as wrong."""
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
    """The commands convert the sample file to a workload, and skip and count the bad lines."""
    read = households(SAMPLE / "taxpayers.txt")
    assert 0 == read.returncode
    assert read.stderr.startswith("tax-client: skipped 8 bad line(s); the first is line 8: expected the four fields")
    path = known.folder / "households.jsonl"
    path.write_text(read.stdout)
    made = Path(workload(known, str(path)))
    results = [json.loads(line)["expected"] for line in made.read_text().splitlines()]
    assert json.loads((SAMPLE / "published.json").read_text()) == [
        {"id": number, **result} for number, result in enumerate(results, start=1)
    ]
    url = f"http://127.0.0.1:{service.port}"
    assert 0 == known.run("flood", url, "--workload", str(made), "--requests", "22")


CELLS = [
    ["id", "salary", "married", "children", "year"],
    ["1", "50000", "oui", "2", "2024"],
    ["2", "50000", "oui", "2", ""],
]
FILES = {
    "commas.csv": "\n".join(",".join(row) for row in CELLS),
    "CAPITALS.CSV": "\n".join(",".join(row).upper() for row in CELLS),
    "tabs.txt": "\n".join("\t".join(row) for row in CELLS),
    "apart.csv": "id;salaire;marie\u0301;enfants;anne\u0301e\n1;50000;oui;2;2024\n2;50000;oui;2;\n",
    "lines.JSONL": "".join(json.dumps(dict(zip(CELLS[0], row, strict=True))) + "\n" for row in CELLS[1:]),
}


@pytest.mark.parametrize("name", FILES)
def test_every_form_of_a_taxpayers_file_is_a_workload(tmp_path: Path, name: str) -> None:
    """Equal taxpayers in JSON lines or in CSV, with any separator or case, give the same expected results."""
    path = tmp_path / name
    path.write_text(FILES[name])
    first, second = questions(path)
    assert (2024, 209) == (first["expected"]["income_year"], first["expected"]["tax"])
    assert 1384 == second["expected"]["tax"]


def test_a_household_without_a_schedule_is_skipped(tmp_path: Path) -> None:
    """`income-tax expected` skips a taxpayer whose year has no schedule, and reports the taxpayer's id."""
    path = tmp_path / "x.csv"
    path.write_text("id,married,children,salary,year\n7,yes,2,50000,2031\n8,yes,2,50000,2024\n")
    finished = expected("-", given=households(path).stdout)
    assert (0, 1) == (finished.returncode, len(finished.stdout.splitlines()))
    message = "1 invalid household(s) omitted; the first is taxpayer 7: parameter [year] has an invalid value: [2031]"
    assert message in finished.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "id,married,children,age\n1,yes,2,5\n",
            "line 1 is a header with wrong columns (unknown [age]; missing [salary])",
        ),
        ("1,perhaps,2,5\n", "line 1 [1,perhaps,2,5] is neither a header nor a household in the order id,married,"),
        (
            "id,married,children,salary\n1,perhaps,2,5\n",
            "no valid taxpayer and 1 bad line(s); the first is line 2: field [married]: expected yes",
        ),
    ],
)
def test_a_file_without_households_is_rejected(tmp_path: Path, content: str, said: str) -> None:
    """If a file has no valid taxpayer, `tax-client households` reports the first bad line and exits with 2."""
    path = tmp_path / "x.csv"
    path.write_text(content)
    read = households(path)
    assert (2, "") == (read.returncode, read.stdout)
    assert said in read.stderr


@pytest.mark.parametrize("line", ["1,yes,2,50000", "[]", '{"married": "yes"}', '{"id": 1, "married": true}'])
def test_only_households_in_json_are_accepted(line: str) -> None:
    """`income-tax expected` rejects input that is not the output of `tax-client households`."""
    finished = expected("-", given=line)
    assert (64, "") == (finished.returncode, finished.stdout)
    assert "[-], line 1: expected a household in JSON: make the file with `tax-client households`" in finished.stderr


def test_the_same_seed_gives_the_same_households() -> None:
    """Equal seeds give equal households, different seeds give different households, and --years limits the years."""
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
        (["x.jsonl", "--years", "2024"], "--years and --seed need random households: omit these options"),
        (["x.jsonl", "--seed", "0"], "--years and --seed need random households: omit these options"),
    ],
)
def test_wrong_usage_causes_one_message(arguments: list[str], said: str) -> None:
    """`income-tax expected` rejects wrong usage with a message, and exits with 64."""
    finished = expected(*arguments)
    assert 64 == finished.returncode
    assert said in finished.stderr


def test_unusable_schedules_are_reported(known: Place) -> None:
    """If the schedules file is missing or invalid, `income-tax expected` reports the error."""
    path = known.folder / "x.json"
    assert "x.json: No such file" in expected("--schedules", str(path), "--households", "1").stderr
    path.write_text("x")
    finished = expected("--schedules", str(path), "--households", "1")
    assert (2, True) == (finished.returncode, "contains no valid tax data" in finished.stderr)

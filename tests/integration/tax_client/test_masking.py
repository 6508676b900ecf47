"""Tests of MASK_AMOUNTS=on in the client: the log contains ids, but no salaries or taxes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.tax_client.conftest import Place
from tests.support.service import Service, running_service

SALARIES = range(761943805, 761943811)
LINES = "".join(f"{number},yes,2,{salary}\n" for number, salary in enumerate(SALARIES, start=17))
LONG = re.compile(r"[0-9]{7,}")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run the service with MASK_AMOUNTS=on."""
    with running_service(tmp_path_factory.mktemp("service"), MASK_AMOUNTS="on") as running:
        yield running


@pytest.fixture(params=["json", "text"])
def masking(request: pytest.FixtureRequest, place: Place, service: Service, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Set MASK_AMOUNTS=on and the log level `debug`, and return a folder with the service's credentials."""
    (place.folder / "credentials").write_text(service.credentials)
    for variable, value in {"MASK_AMOUNTS": "on", "LOG_LEVEL": "debug", "LOG_FORMAT": request.param}.items():
        monkeypatch.setenv(variable, value)
    return place


def find_amounts(amounts: str, *logs: Path) -> list[str]:
    """Return the logged amounts. Search the logs for SALARIES and for the numbers in the text `amounts`."""
    logged = "".join(log.read_text() for log in logs)
    return [amount for amount in {*LONG.findall(amounts), *map(str, SALARIES)} if amount in logged]


@pytest.mark.parametrize("options", [[], ["--batch", "4"]], ids=["single requests", "batches"])
def test_a_calculation_logs_no_amount(masking: Place, service: Service, options: list[str]) -> None:
    """A calculation writes salaries and taxes to the results file, but not to the logs."""
    url, log = f"http://127.0.0.1:{service.port}", masking.folder / "client.log"
    assert 0 == masking.run("calculate", url, masking.write(LINES), *options)
    assert [*SALARIES] == [result["salary"] for result in masking.results]
    results = json.dumps(masking.results)
    assert {*map(str, SALARIES)} < {*LONG.findall(results)}
    assert [] == find_amounts(results, log, service.folder / "api.log")
    answers = re.findall("raw answer: 200 .*|.*raw_answer.*", log.read_text())
    assert (2 if options else len(SALARIES)) == len([answer for answer in answers if '"salary' in answer])
    ids = [int(number) for number in re.findall(r'"id": ?([0-9]+)', log.read_text())]
    assert ([] if options else [result["id"] for result in masking.results]) == sorted({*ids})


def test_a_quoted_error_logs_no_amount(masking: Place, service: Service) -> None:
    """If the service quotes a value in a rejection, the client logs the taxpayer's id and masks the value."""
    url, log = f"http://127.0.0.1:{service.port}", masking.folder / "client.log"
    path = masking.write(f"id,married,children,salary,year\n17,yes,2,{SALARIES[0]},2031\n")
    assert 1 == masking.run("calculate", url, path)
    assert "[2031]" in masking.errors[0]["reason"]
    assert [] == find_amounts("", log)
    assert "has an invalid value: [*]" in log.read_text()
    assert re.search(r'"id": ?17', log.read_text())


def test_a_flood_logs_no_amount(masking: Place, service: Service) -> None:
    """A flood logs wrong answers and rejections without amounts."""
    url, log, workload = f"http://127.0.0.1:{service.port}", masking.folder / "client.log", masking.folder / "workload"
    queries = [f"married=yes&children=2&salary={salary}" for salary in SALARIES]
    queries[-1] += "x"
    expected = {"salary": SALARIES[0], "tax": SALARIES[-1]}
    workload.write_text("\n".join(json.dumps({"query": query, "expected": expected}) for query in queries))
    assert 1 == masking.run("flood", url, "--workload", str(workload), "--requests", "12", "--threads", "2")
    assert [] == find_amounts("", log, service.folder / "api.log")
    outcomes = re.findall(r"answer: \d+ in [\d.]+ ms, (\w+)|\"outcome\":\"(\w+)", log.read_text())
    assert ["status"] * 2 + ["wrong"] * 10 == sorted(text or json_ for text, json_ in outcomes)

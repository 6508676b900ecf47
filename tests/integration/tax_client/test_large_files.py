"""Tests of large taxpayers files and batches with the real service."""

from pathlib import Path

from tests.integration.tax_client.bulk_runs import LINES, get_url, list_outputs, read_outputs
from tests.integration.tax_client.conftest import Place
from tests.support.service import Service
from tests.support.taxpayers_file import BAD, write_taxpayers


def test_every_line_of_a_large_file_is_in_one_output_file(bulk: Place, slow_service: Service) -> None:
    """The results file contains each valid line once, and the errors file each bad line once, both in order."""
    source = bulk.folder / "taxpayers.txt"
    good, bad = write_taxpayers(source, LINES)
    assert 0 == bulk.run("calculate", get_url(slow_service), str(source), "--batch", "1000")
    assert good == [result["id"] for result in bulk.results]
    assert bad == [error["line"] for error in bulk.errors]
    assert LINES == len(good) + len(bad)
    assert len(BAD) <= len({error["reason"].split("found")[0].split("[", 1)[-1] for error in bulk.errors})
    assert {"results.json", "errors.jsonl"} == list_outputs(bulk)
    sent = [event for event in bulk.log if event["event"] == "batch_start"]
    assert LINES // 1000 == len(sent)
    assert [] == [event for event in bulk.log if event["event"].startswith("calculation")]


def test_batches_give_the_results_of_single_requests(bulk: Place, slow_service: Service) -> None:
    """Single requests and batches give the same results, and the CSV results have the fields of the JSON results."""
    rows = ["id,year,married,children,salary,single_parent,spouse_salary"]
    rows += [
        f"{n},{('', 2018, 2024, 2025)[n % 4]},{'oui' if n % 3 else 'no'},{n % 5},{n * 7919}," for n in range(1, 40)
    ]
    source = bulk.folder / "taxpayers.txt"
    source.write_text("\n".join([rows[0], *(f"{row}," for row in rows[1:])]) + "\n")
    found = []
    for more in ([], ["--batch", "7"]):
        assert 0 == bulk.run("calculate", get_url(slow_service), str(source), "--max-threads", "3", *more)
        found.append(read_outputs(bulk)[0])
    assert found[0] == found[1]
    assert {None, 2018, 2024, 2025} == {result.get("income_year") for result in bulk.results}
    arguments = ["--batch", "10", "--results", str(bulk.folder / "results.csv")]
    assert 0 == bulk.run("calculate", get_url(slow_service), str(source), *arguments)
    head, *lines = (bulk.folder / "results.csv").read_text().splitlines()
    columns = head.split(",")
    assert [{name: str(value) for name, value in result.items() if name != "notes"} for result in bulk.results] == [
        {name: cell for name, cell in zip(columns, line.split(","), strict=True) if cell and name != "notes"}
        for line in lines
    ]
    assert {"", "CIMR"} == {line.rpartition(",")[2] for line in lines}


def test_a_batch_that_is_too_large_is_halved(bulk: Place, slow_service: Service) -> None:
    """If the service rejects a batch as too large, the client halves the batch and writes all results in order."""
    source = bulk.write("".join(f"{number},no,0,{number}\n" for number in range(1, 26_001)))
    assert 0 == bulk.run("calculate", get_url(slow_service), source, "--batch", "25000", "--max-threads", "1")
    assert list(range(1, 26_001)) == [result["id"] for result in bulk.results]
    assert [] == bulk.errors
    assert [25000, 12500] == [event["taxpayers"] for event in bulk.log if event["event"] == "batch_too_large"]
    sent = [event["taxpayers"] for event in bulk.log if event["event"] == "batch_start"]
    assert [25000, 12500, *[6250] * 4, 1000] == sent
    assert len(sent) == len({event["request_id"] for event in bulk.log if event["event"] == "batch_start"})


def test_a_household_that_the_service_rejects_fails_alone(bulk: Place, slow_service: Service) -> None:
    """If the service rejects one household, the client lists only this taxpayer with the reason, and exits with 1."""
    lines = ["id,married,children,salary,year", "1,no,0,20000,2024", "2,no,0,20000,1999", "3,no,0,20000,2024"]
    source = bulk.write("\n".join(lines))
    assert 1 == bulk.run("calculate", get_url(slow_service), source, "--batch", "1000")
    assert [1, 3] == [result["id"] for result in bulk.results]
    (error,) = bulk.errors
    assert 2 == error["id"]
    assert "[year] has an invalid value: [1999]" in error["reason"]


def test_a_large_file_has_no_log_lines_for_each_taxpayer(bulk: Place, slow_service: Service) -> None:
    """If the file has more lines than LOG_EACH_MAX, the client writes no log lines for single taxpayers."""
    source = bulk.write("".join(f"{number},no,0,{number}\n" for number in range(1, 9)))
    for most, each in ((8, 8), (7, 0)):
        Path(bulk.folder / "client.log").write_text("")
        assert 0 == bulk.run("calculate", get_url(slow_service), source, "--log-each-max", str(most))
        assert [2 * each, each] == [
            sum(event["event"].startswith(begin) for event in bulk.log) for begin in ("calculation_", "calculation_end")
        ]
        assert 8 == len(bulk.results)

"""Tests that read and write JSON reports, and tests of the errors about damaged reports."""

import json
from pathlib import Path
from typing import Any

import pytest

from tax_client.load.report_files import read_report
from tax_client.load.report_json import Fields, build_content, parse_run, write_json
from tax_client.load.summary_and_comparison import compare_runs, summarize
from tax_client.user_errors import UserError
from tests.unit.tax_client.load.example_runs import build_counters, build_run, build_troubled_run

NO_NUMBER: list[Any] = [None, "x", [], {}, True, -1, 1e308]
NO_COUNT = [*NO_NUMBER, 0.5]
NO_OBJECT: list[Any] = [None, "x", [], 1]
NO_ARRAY: list[Any] = [None, "x", {}, 1]
BAD = {
    "format": [None, "tax-client flood 0", []],
    "started": NO_NUMBER,
    "elapsed_seconds": NO_NUMBER,
    "planned_seconds": [*NO_NUMBER[1:], 0],
    "measured_from_seconds": NO_NUMBER,
    "measured_until_seconds": NO_NUMBER,
    "clients": [*NO_COUNT, 0],
    "interrupted_by": [*NO_COUNT, 1000],
    "ended_badly": [*NO_ARRAY, [1], [None]],
    "remarks": [*NO_ARRAY, [1], [None]],
    "client_cores": [*NO_NUMBER, 0],
    "settings": NO_OBJECT,
    "machine": NO_OBJECT,
    "total": NO_OBJECT,
    "interval_seconds": [*NO_NUMBER, 0, 0.3],
    "intervals": [*NO_ARRAY, [1], [{}], [None]],
}
BAD_COUNTS = {
    **dict.fromkeys(("sent", "right", "wrong", "answered", "measured", "retries", "unsent"), NO_COUNT),
    "cpu": NO_NUMBER,
    "failures": [*NO_OBJECT, {"timeout": "x"}, {"timeout": -1}, {"timeout": None}],
    "retried": [*NO_OBJECT, {"timeout": 0.5}],
    "latencies": ["", "x", [], {}, 1, "HISTFAAAAA=="],
    "unpaced": ["", "x", [], {}, 1, "HISTFAAAAA=="],
}
BAD_TOTAL = {
    **BAD_COUNTS,
    "examples": [*NO_OBJECT, {"timeout": 1}],
    "wrongs": [*NO_ARRAY, [1], [{}], [{"number": "x", "request_id": "", "query": "", "difference": ""}]],
}
BAD_INTERVAL = {**BAD_COUNTS, "number": NO_COUNT, "flying": NO_COUNT}
MISSING = object()  # stands for a value that the report lacks
PLACES = {"": BAD, "total": BAD_TOTAL, "intervals": BAD_INTERVAL}


@pytest.fixture(scope="module")
def report() -> bytes:
    """Return the JSON report of a run without latencies, because decoding histograms is slow."""
    return write_json(build_run(build_counters(range(0))))


def test_a_run_is_restored_from_json() -> None:
    """A run that is written to JSON and read back is the same run."""
    run = build_troubled_run()
    content = json.loads(json.dumps(build_content(run)))
    again = parse_run(Fields(content))
    assert content == build_content(again)
    assert summarize(run) == summarize(again)
    assert 2.0 == pytest.approx(content["latency_ms"]["p50"], rel=1e-3)


def test_values_without_answers_are_null() -> None:
    """The JSON report of a run without requests contains null for the rate and each latency, and can be read back."""
    content = json.loads(write_json(build_run()))
    assert {None} == {content["answers_per_second"], *content["latency_ms"].values()}
    assert summarize(build_run()) == summarize(parse_run(Fields(content)))


@pytest.mark.parametrize(("place", "name"), [(place, name) for place, names in PLACES.items() for name in names])
def test_a_damaged_report_is_rejected(report: bytes, tmp_path: Path, place: str, name: str) -> None:
    """The error about a missing or invalid value contains the path of the report and the name of the value."""
    path = tmp_path / "x.json"
    for bad in (*PLACES[place][name], MISSING):
        content = json.loads(report)
        part = {"": content, "total": content["total"], "intervals": content["intervals"][0]}[place]
        part[name] = bad
        if bad is MISSING:
            del part[name]
        path.write_text(json.dumps(content))
        with pytest.raises(UserError, match=rf"x\.json.*expected a flood's report in JSON \({place}.*{name}.*\): give"):
            read_report(path)


def test_damage_covers_every_value_of_a_report() -> None:
    """The test above damages each value of a report, except values that are derived from other values."""
    content = build_content(build_troubled_run())
    assert {*BAD} == {*content} - {"answers_per_second", "client_load", "latency_ms", "latency_from_send_ms"}
    assert {*BAD_TOTAL} == {*content["total"]}
    assert {*BAD_INTERVAL} == {*content["intervals"][0]} - {*content["latency_ms"]}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "other"}', '{"format": "tax-client flood 1"}'])
def test_other_files_are_rejected(tmp_path: Path, content: str) -> None:
    """The error about a file that is not a report contains the name of the file."""
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"x\.json.*expected a flood's report"):
        read_report(path)


def test_a_report_of_an_earlier_engine_is_read(tmp_path: Path) -> None:
    """A report of the earlier engine `requests` can be read and compared with a current report."""
    old, new = build_troubled_run(), build_troubled_run()
    old.settings["engine"], new.settings["engine"] = "requests", "curl"
    path = tmp_path / "old.json"
    path.write_bytes(write_json(old))
    assert "engine: requests / curl" in compare_runs(read_report(path), new, ("old", "new"))

"""Files of a flood's record are read back; what is wrong in one is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from tax_client.errors import UserError
from tax_client.load.json_fields import Fields
from tax_client.load.report_reader import read_run, run_from
from tax_client.load.report_writer import content_of, json_of
from tax_client.load.summary import summary
from tests.unit.client.flood_runs import run_of, tally, troubled_run

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
MISSING = object()  # the value is left out
PLACES = {"": BAD, "total": BAD_TOTAL, "intervals": BAD_INTERVAL}


@pytest.fixture(scope="module")
def report() -> bytes:
    """The JSON report of a run without a latency: histograms take long to read."""
    return json_of(run_of(tally(range(0))))


def test_a_run_survives_its_file() -> None:
    """What the JSON report says is read as the same run, and JSON it is."""
    run = troubled_run()
    content = json.loads(json.dumps(content_of(run)))
    again = run_from(Fields(content))
    assert content == content_of(again)
    assert summary(run) == summary(again)
    assert 2.0 == pytest.approx(content["latency_ms"]["p50"], rel=1e-3)


@pytest.mark.parametrize(("place", "name"), [(place, name) for place, names in PLACES.items() for name in names])
def test_a_damaged_report_is_refused_in_a_sentence(report: bytes, tmp_path: Path, place: str, name: str) -> None:
    """A value of another kind or out of its range, or none at all: the error names the file and the value."""
    path = tmp_path / "x.json"
    for bad in (*PLACES[place][name], MISSING):
        content = json.loads(report)
        part = {"": content, "total": content["total"], "intervals": content["intervals"][0]}[place]
        part[name] = bad
        if bad is MISSING:
            del part[name]
        path.write_text(json.dumps(content))
        with pytest.raises(UserError, match=rf"x\.json.*expected a flood's report in JSON \({place}.*{name}.*\): give"):
            read_run(path)


def test_every_value_of_a_report_is_damaged_above() -> None:
    """But for the figures that are made of others again, each value of a report is among those that are tried."""
    content = content_of(troubled_run())
    assert {*BAD} == {*content} - {"answers_per_second", "client_load", "latency_ms", "latency_from_send_ms"}
    assert {*BAD_TOTAL} == {*content["total"]}
    assert {*BAD_INTERVAL} == {*content["intervals"][0]} - {*content["latency_ms"]}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "other"}', '{"format": "tax-client flood 1"}'])
def test_what_is_no_report_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    """A file that no flood wrote is an error that names it."""
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"x\.json.*expected a flood's report"):
        read_run(path)

"""Tests of the benchmark results: spreads, parts of the page, and the verdict."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench import figures, million, stacks, verdict

PARTS = ("logins", "alerts", "verdict", "profile", "peers", "million", "clients", "measured")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a folder for results and a page with all parts."""
    page = "".join(f"above {part}\n<!-- {part}: begin -->\nold\n<!-- {part}: end -->\n" for part in PARTS)
    (tmp_path / "README.md").write_text(page)
    monkeypatch.setattr(figures, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(figures, "PAGE", tmp_path / "README.md")
    return tmp_path


def test_a_spread_has_lowest_and_highest_of_several_values() -> None:
    """A spread shows median, lowest and highest of several values, or a single value without a range."""
    assert "2.00 (1.00 to 4.00)" == figures.spread([4, 1, 2], ".2f")
    assert "2" == figures.spread([2.0])


def test_ratios_are_within_a_round() -> None:
    """Each ratio divides two values of the same round."""
    assert [2, 0.5, 1] == figures.ratios([2, 2, 3], [1, 4, 3])


def test_results_are_kept_small(place: Path) -> None:
    """A saved file has the values of all rounds on one line, and each value has five digits."""
    figures.save("one", {"rates": {"a": [1234.5678, 2.0], "b": [3]}})
    assert '  "a": [1234.6, 2.0],' in (place / "results/one.json").read_text().splitlines()
    assert {"rates": {"a": [1234.6, 2.0], "b": [3]}} == figures.load("one")


def test_a_part_of_the_page_is_replaced_and_nothing_else(place: Path) -> None:
    """`put` replaces only the text between the marks of a part."""
    before = figures.PAGE.read_text()
    figures.put("peers", "new")
    mark = "<!-- peers: begin -->"
    assert before.replace(f"{mark}\nold\n", f"{mark}\n\nnew\n\n") == figures.PAGE.read_text()


def test_a_page_without_the_marks_is_not_touched(place: Path) -> None:
    """`put` raises an error that names the missing end mark, and does not change the page."""
    figures.PAGE.write_text("<!-- peers: begin -->\ntext")
    with pytest.raises(LookupError, match="<!-- peers: end -->"):
        figures.put("peers", "new")
    assert "<!-- peers: begin -->\ntext" == figures.PAGE.read_text()


def test_the_page_marks_all_parts() -> None:
    """bench/README.md marks each part exactly once."""
    page = (figures.ROOT / "bench/README.md").read_text(encoding="utf-8")
    marks = [f"<!-- {part}: {end} -->" for part in PARTS for end in ("begin", "end")]
    assert dict.fromkeys(marks, 1) == {mark: page.count(mark) for mark in marks}


def target(file: str, name: str) -> verdict.Target:
    """Return the first target of a file whose name contains a text."""
    return next(one for one in verdict.TARGETS if one.file == file and name in one.name)


def test_a_target_without_results_is_not_measured(place: Path) -> None:
    """The line of a target without saved results contains the command that measures the target."""
    assert target("peers", "one household").line().endswith(": not measured: make bench-peers")
    rates = {figures.FLOOD: [8.0], figures.LOCUST: [2.0]}
    figures.save("clients", {"requests_per_processor_second": rates})
    assert target("clients", "hey").line().endswith(": not measured: make bench-clients")
    assert target("clients", "Locust").line().endswith(": 4.00 once, wanted >= 4: met")


def test_the_median_decides_and_the_line_shows_its_spread(place: Path) -> None:
    """The median decides whether a target is met. The line also shows the range and the number of rounds."""
    found = {figures.OURS: {"p99": [3, 2, 9]}, figures.HELLO: {"p99": [2, 2, 2]}}
    figures.save("bench", {"figures": {figures.PROXIED: found}})
    assert target("bench", "p99").line().endswith("p99: 1.50 (1.00 to 4.50) in 3 rounds, wanted <= 1.5: met")
    found[figures.OURS]["p99"] = [4, 2, 4]
    figures.save("bench", {"figures": {figures.PROXIED: found}})
    assert target("bench", "p99").line().endswith("p99: 2.00 (1.00 to 2.00) in 3 rounds, wanted <= 1.5: NOT MET")


def test_memory_target_uses_the_growth_within_a_round(place: Path) -> None:
    """The memory target compares the memory of the same worker after few requests and after many requests."""
    figures.save("bench", {"growth": {figures.OVER_REQUESTS: {"10000": [27, 30], "200000": [27.5, 33]}}})
    assert target("bench", "200,000 requests").line().endswith(": 1.8 (0.5 to 3.0) in 2 rounds, wanted <= 1: NOT MET")


@pytest.mark.parametrize("wrong", ["all lines, in order", "same bytes"])
def test_lost_lines_cause_an_error_exit_and_slowness_does_not(
    place: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """The benchmark exits with an error if a run changes the order or the bytes of lines, but not if a run is slow."""
    run: dict[str, Any] = {"on": "sqlite", "lines": 100, "good": 99, "bad": 1, "seconds": 100.0, "client cpu": 1.0}
    run |= {"server cpu": 1.0, "client MiB": 500.0, "worker MiB": 90.0, "killed at percent": [25, 50, 75]}
    run |= {"all lines, in order": True, "same bytes": True}
    monkeypatch.setattr("sys.argv", ["million.py"])
    monkeypatch.setattr(million, "measure", lambda *_: run)
    million.main()
    assert target("million", "seconds").line().endswith(": 100.0 once, aimed at <= 15: NOT MET")
    run[wrong] = False
    with pytest.raises(SystemExit, match="a line is lost, out of order"):
        million.main()
    assert "NO" in figures.PAGE.read_text()


@pytest.mark.parametrize("own_worker", [False, True])
def test_a_baseline_replaces_the_service(own_worker: bool) -> None:
    """The container runs gunicorn with its default worker and no heap settings, or with the service's worker."""
    api = yaml.safe_load(stacks.override("bare", own_worker))["services"]["api"]
    assert ["hello:bare"] == api["command"]
    assert own_worker == ("own_worker.py" in api["entrypoint"])
    assert own_worker != ("gthread" in api["entrypoint"])
    assert own_worker != ("MALLOC_ARENA_MAX" in api["entrypoint"])
    assert json.dumps(api["volumes"]) == '["./bench:/bench:ro"]'

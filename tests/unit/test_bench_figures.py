"""Tests of the benchmark results: spreads, parts of the page, and the verdict."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench import container_stack, million_taxpayers, performance_goals, result_files

PARTS = ("logins", "alerts", "verdict", "profile", "peers", "million", "clients", "measured", "gray")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a folder for results, and a page that marks all parts."""
    page = "".join(f"above {part}\n<!-- {part}: begin -->\nold\n<!-- {part}: end -->\n" for part in PARTS)
    (tmp_path / "README.md").write_text(page)
    monkeypatch.setattr(result_files, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(result_files, "PAGE", tmp_path / "README.md")
    return tmp_path


def test_a_spread_has_lowest_and_highest_of_several_values() -> None:
    """A spread shows the median, the lowest and the highest of several values. For a single value it shows no range."""
    assert "2.00 (1.00 to 4.00)" == result_files.spread([4, 1, 2], ".2f")
    assert "2" == result_files.spread([2.0])


def test_ratios_are_within_a_round() -> None:
    """Each ratio is the quotient of two values from the same round."""
    assert [2, 0.5, 1] == result_files.ratios([2, 2, 3], [1, 4, 3])


def test_results_are_kept_small(place: Path) -> None:
    """A results file has the values of all rounds on one line. Each value has at most five digits."""
    result_files.save("one", {"rates": {"a": [1234.5678, 2.0], "b": [3]}})
    assert '  "a": [1234.6, 2.0],' in (place / "results/one.json").read_text().splitlines()
    assert {"rates": {"a": [1234.6, 2.0], "b": [3]}} == result_files.load("one")


def test_a_part_of_the_page_is_replaced_and_nothing_else(place: Path) -> None:
    """`put` replaces the text between the two marks of a part, and keeps the rest of the page."""
    before = result_files.PAGE.read_text()
    result_files.put("peers", "new")
    mark = "<!-- peers: begin -->"
    assert before.replace(f"{mark}\nold\n", f"{mark}\n\nnew\n\n") == result_files.PAGE.read_text()


def test_a_page_without_the_marks_is_not_touched(place: Path) -> None:
    """If a mark is missing, `put` raises an error that names the mark, and the page stays the same."""
    result_files.PAGE.write_text("<!-- peers: begin -->\ntext")
    with pytest.raises(LookupError, match="<!-- peers: end -->"):
        result_files.put("peers", "new")
    assert "<!-- peers: begin -->\ntext" == result_files.PAGE.read_text()


def test_the_page_marks_all_parts() -> None:
    """bench/README.md marks each part exactly once."""
    page = (result_files.ROOT / "bench/README.md").read_text(encoding="utf-8")
    marks = [f"<!-- {part}: {end} -->" for part in PARTS for end in ("begin", "end")]
    assert dict.fromkeys(marks, 1) == {mark: page.count(mark) for mark in marks}


def target(file: str, name: str) -> performance_goals.Target:
    """Return the first target whose results are in `file` and whose name contains `name`."""
    return next(one for one in performance_goals.TARGETS if one.file == file and name in one.name)


def test_a_target_without_results_is_not_measured(place: Path) -> None:
    """The line of a target without results names the command that measures the target."""
    assert target("peers", "1 household").line().endswith(": not measured, run make bench-peers")
    rates = {result_files.FLOOD: [8.0], result_files.LOCUST: [2.0]}
    result_files.save("clients", {"requests_per_processor_second": rates})
    assert target("clients", "hey").line().endswith(": not measured, run make bench-clients")
    assert target("clients", "Locust").line().endswith(": 4.00 in 1 round, required >= 4, met")


def test_the_median_decides_and_the_line_shows_the_spread(place: Path) -> None:
    """The median decides whether a target is met. The line also shows the range and the number of rounds."""
    found = {result_files.OURS: {"p99": [3, 2, 9]}, result_files.HELLO: {"p99": [2, 2, 2]}}
    result_files.save("bench", {"figures": {result_files.PROXIED: found}})
    assert target("bench", "p99").line().endswith(": 1.50 (1.00 to 4.50) in 3 rounds, required <= 1.5, met")
    found[result_files.OURS]["p99"] = [4, 2, 4]
    result_files.save("bench", {"figures": {result_files.PROXIED: found}})
    assert target("bench", "p99").line().endswith(": 2.00 (1.00 to 2.00) in 3 rounds, required <= 1.5, NOT MET")


def test_memory_is_flat_by_the_growth_within_a_round(place: Path) -> None:
    """The memory target compares a worker after 200,000 requests with the same worker after 10,000 requests."""
    result_files.save("bench", {"growth": {result_files.OVER_REQUESTS: {"10000": [27, 30], "200000": [27.5, 33]}}})
    assert target("bench", "200,000 requests").line().endswith(": 1.8 (0.5 to 3.0) in 2 rounds, required <= 1, NOT MET")


@pytest.mark.parametrize("wrong", ["all lines, in order", "same bytes"])
def test_lost_lines_cause_an_error_exit_and_slowness_does_not(
    place: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """The benchmark fails if a run loses, reorders or changes lines. It succeeds if a run only misses its goals."""
    run: dict[str, Any] = {"on": "sqlite", "lines": 100, "good": 99, "bad": 1, "seconds": 100.0, "client cpu": 1.0}
    run |= {"server cpu": 1.0, "client MiB": 500.0, "worker MiB": 90.0, "killed at percent": [25, 50, 75]}
    run |= {"all lines, in order": True, "same bytes": True}
    monkeypatch.setattr("sys.argv", ["million_taxpayers.py"])
    monkeypatch.setattr(million_taxpayers, "measure", lambda *_: run)
    million_taxpayers.main()
    assert target("million", "seconds").line().endswith(": 100.0 in 1 round, goal <= 15, NOT MET")
    run[wrong] = False
    with pytest.raises(SystemExit, match="lost, reordered or changed lines"):
        million_taxpayers.main()
    assert "NO" in result_files.PAGE.read_text()


@pytest.mark.parametrize("own_worker", [False, True])
def test_a_baseline_takes_the_place_of_the_service(own_worker: bool) -> None:
    """If `own_worker` is true, a baseline has the service's worker. Otherwise it has gthread and no heap settings."""
    api = yaml.safe_load(container_stack.override("bare", own_worker))["services"]["api"]
    assert ["baseline_apps:bare"] == api["command"]
    assert own_worker == ("gunicorn_leader_follower_config.py" in api["entrypoint"])
    assert own_worker != ("gthread" in api["entrypoint"])
    assert own_worker != ("MALLOC_ARENA_MAX" in api["entrypoint"])
    assert json.dumps(api["volumes"]) == '["./bench:/bench:ro"]'

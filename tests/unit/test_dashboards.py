"""Tests of the dashboards of Grafana."""

from tools.build_dashboards import DASHBOARDS, FOLDER, build_dashboard


def test_the_files_contain_the_dashboards_of_the_table() -> None:
    """The JSON files are exactly the dashboards that `python -m tools.build_dashboards` writes."""
    files = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert {name: build_dashboard(name) for name in DASHBOARDS} == files


def test_each_panel_has_queries() -> None:
    """Each panel has a title of its own and at least one query."""
    for _, panels in DASHBOARDS.values():
        assert len(panels) == len({panel.title for panel in panels})
        assert all(panel.queries for panel in panels)

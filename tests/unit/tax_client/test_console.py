"""Tests of tables on the console."""

from tax_client.console import layout_table


def test_a_table_is_aligned_below_its_header() -> None:
    """Columns are right-aligned. `named` left-aligns the first column, and `ruled` adds a rule below the header."""
    rows = [["name", "n"], ["a", "100"]]
    assert ["name    n", "   a  100"] == layout_table(rows)
    assert ["name    n", "----  ---", "a     100"] == layout_table(rows, named=True, ruled=True)

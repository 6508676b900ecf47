"""Tables on the console."""

from tax_client.console import layout_table


def test_a_table_is_aligned_below_its_header() -> None:
    """Figures are aligned to the right, a column of names to the left, and a rule follows the header."""
    rows = [["name", "n"], ["a", "100"]]
    assert ["name    n", "   a  100"] == layout_table(rows)
    assert ["name    n", "----  ---", "a     100"] == layout_table(rows, named=True, ruled=True)

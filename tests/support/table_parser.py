"""Parse rows of cells as the body of `POST /` in CSV."""

from collections.abc import Collection, Sequence

from income_tax.households.batch_validation import ParsedBatch
from income_tax.households.batch_validation import parse_rows as parse_table
from income_tax.households.table_rows import read_rows


def parse_rows(header: Sequence[str], rows: Sequence[Sequence[str]], years: Collection[int]) -> ParsedBatch:
    """Write the header and the rows with semicolons, and parse the table."""
    body = "\n".join(";".join(cells) for cells in (header, *rows))
    return parse_table(read_rows(body.encode(), len(rows)), years)

"""Tests of the input of `tax-client calculate`."""

import io
from pathlib import Path

import pytest

from tax_client.taxpayers.input_source import InputSource


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.jsonl", "jsonl"), ("a.ndjson", "jsonl"), ("a.NDJSON", "jsonl"), ("a.json", "lines"), ("-", "lines")],
)
def test_line_format_by_suffix(name: str, form: str) -> None:
    """The suffixes .jsonl and .ndjson select JSON lines, in upper or lower case."""
    assert form == InputSource(Path(name), io.BytesIO(), None).form

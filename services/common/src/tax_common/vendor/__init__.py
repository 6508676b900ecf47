"""Unmodified files of other projects. packages.json lists their versions and digests."""

from pathlib import Path

UPLOT = Path(__file__).with_name("uplot")  # https://github.com/leeoniya/uPlot

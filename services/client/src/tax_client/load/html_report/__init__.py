"""The HTML report of a run. The report is one self-contained page with charts."""

"""The HTML report of a run, which is one self-contained page with charts."""

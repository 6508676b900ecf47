"""The tax rules as pure functions with exact results. Only `vectorized.py` depends on numpy."""

"""The tax rules: pure, exact, standard library only (numpy in vectorized.py alone)."""

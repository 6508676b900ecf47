"""The tax rules: pure, exact, standard library only (numpy in batch.py alone)."""

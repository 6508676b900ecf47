"""Taxpayers files, with their lines, columns and households."""

"""Taxpayers files: lines, columns, households."""

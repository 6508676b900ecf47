"""Household parameters, validation, serialization and tax curves, for the API and the command line."""

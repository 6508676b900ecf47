"""Households: their parameters, validation, serialization and tax curve, for the API and the command line."""

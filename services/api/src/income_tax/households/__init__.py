"""Households: their parameters, validation, serialization and tax curve; no HTTP in here."""

"""The command `tax-client calculate`, which calculates a taxpayers file of any size and reports on every line."""

"""The command `tax-client calculate`, which writes a result or an error for each line of a taxpayers file."""

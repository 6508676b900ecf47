"""The command `tax-client calculate`, which calculates the tax of each household in a taxpayers file."""

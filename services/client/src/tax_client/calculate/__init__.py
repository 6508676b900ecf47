"""The command `tax-client calculate`: it calculates a taxpayers file of any size and accounts for every line."""

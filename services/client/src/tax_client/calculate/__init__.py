"""`tax-client calculate`: a taxpayers file of any size, calculated, none of its lines lost."""

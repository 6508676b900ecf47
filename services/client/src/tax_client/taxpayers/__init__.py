"""The reader of taxpayers files, and the formats of their lines."""

"""The reader of tables of households, which the client uses for files, and the API for CSV in request bodies."""

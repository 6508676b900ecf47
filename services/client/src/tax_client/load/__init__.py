"""The load generator, which sends many requests from several processes, checks each answer, and reports the results."""

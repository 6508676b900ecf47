"""The load generator: many requests from several processes, each answer checked, and the reports of a run."""

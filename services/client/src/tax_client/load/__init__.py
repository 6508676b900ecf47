"""A flood: many requests from several processes, every answer checked, and the report of it."""

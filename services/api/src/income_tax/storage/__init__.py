"""Storage: tax schedules in a database and a snapshot, users and secrets in files, small SQLite stores."""
